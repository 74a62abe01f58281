// SPDX-License-Identifier: Apache-2.0
// One-clock block RAM with one read and one write port and a registered output: data is at
// read_data_o two cycles after its address (read_i, then out_enable_i).
//
// The read latch holds while read_i is low and the output register while out_enable_i is low. Zero
// is the output register's reset here, which costs nothing; a body whose register has none says it
// with read_nonzero_o, and an adder takes that into its look-up tables (ternary_add).
// Reading an address in the cycle in which it is written is not defined; no user here does it.
`default_nettype none
`include "assertions.svh"

module ram_1r1w #(
  parameter int Width = 32,  // bits of a word
  parameter int Depth = 256  // words, at least 2
) (
  input  wire                     clk_i,
  input  wire                     rst_ni,  // for the assertion only
  input  wire                     write_i,
  input  wire [$clog2(Depth)-1:0] write_addr_i,
  input  wire [Width-1:0]         write_data_i,
  input  wire                     read_i,
  input  wire [$clog2(Depth)-1:0] read_addr_i,
  input  wire                     out_enable_i,
  input  wire                     out_zero_i,   // with out_enable_i: the word becomes 0
  output wire [Width-1:0]         read_data_o,
  output wire                     read_nonzero_o  // low: take read_data_o for 0
);

  `REQUIRE(LegalSize, Width >= 1 && Depth >= 2,
           "ram_1r1w: Width must be at least 1 and Depth at least 2")

  logic [Width-1:0] memory [0:Depth-1];
  logic [Width-1:0] latch_q, out_q;

  always_ff @(posedge clk_i) begin
    if (write_i) memory[write_addr_i] <= write_data_i;
    if (read_i) latch_q <= memory[read_addr_i];
    if (out_enable_i) out_q <= out_zero_i ? '0 : latch_q;
  end

  assign read_data_o = out_q;
  assign read_nonzero_o = 1'b1;

  `ASSERT(NoReadOfWordBeingWritten, !(write_i && read_i && write_addr_i == read_addr_i))

  wire unused_rst = rst_ni;

endmodule

`default_nettype wire
