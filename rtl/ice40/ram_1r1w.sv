// SPDX-License-Identifier: Apache-2.0
// ram_1r1w for Lattice iCE40: at most 512 bits are logic. HX8K has 32 block RAMs of 256 x 16 bits
// and no other memory; an 8 x 8 core takes 16 for its accumulators and 16 for its results, and has
// none left for 16 bits x 32 words of codes.
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

  logic [Width-1:0] latch_q, out_q;

  if (Width * Depth <= 512) begin : gen_logic
    (* ram_style = "logic" *) logic [Width-1:0] memory [0:Depth-1];

    always_ff @(posedge clk_i) begin
      if (write_i) memory[write_addr_i] <= write_data_i;
      if (read_i) latch_q <= memory[read_addr_i];
    end
  end else begin : gen_block
    logic [Width-1:0] memory [0:Depth-1];

    always_ff @(posedge clk_i) begin
      if (write_i) memory[write_addr_i] <= write_data_i;
      if (read_i) latch_q <= memory[read_addr_i];
    end
  end

  always_ff @(posedge clk_i) if (out_enable_i) out_q <= out_zero_i ? '0 : latch_q;

  assign read_data_o = out_q;
  assign read_nonzero_o = 1'b1;

  `ASSERT(NoReadOfWordBeingWritten, !(write_i && read_i && write_addr_i == read_addr_i))

  wire unused_rst = rst_ni;

endmodule

`default_nettype wire
