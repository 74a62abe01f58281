// SPDX-License-Identifier: Apache-2.0
// ram_1r1w of three depths, one place watched: any one. A read of a place that is being written is
// not defined, and not done here.
`default_nettype none
`include "formal.svh"

module ram_1r1w_proof (
  input wire       clk_i,
  input wire       rst_ni,
  input wire       write_i,
  input wire [3:0] write_addr_i,
  input wire [1:0] write_data_i,
  input wire       read_i,
  input wire [3:0] read_addr_i,
  input wire       out_enable_i,
  input wire       out_zero_i
);

  `RESET_FIRST

  (* anyconst *) logic [3:0] place;
  always_comb assume (!(write_i && read_i && write_addr_i == read_addr_i));

  for (genvar i = 0; i < 3; i++) begin : gen_depth
    localparam int Depth = i == 0 ? 2 : i == 1 ? 5 : 16;
    localparam int AddrWidth = $clog2(Depth);
    wire write = write_i & write_addr_i < Depth;
    wire read  = read_i & read_addr_i < Depth;
    wire [1:0] word;
    wire       nonzero;
    wire [1:0] data = nonzero ? word : 2'd0;
    ram_1r1w #(.Width (2), .Depth (Depth)) u_ram (
      .clk_i (clk_i), .rst_ni (rst_ni), .write_i (write),
      .write_addr_i (write_addr_i[AddrWidth-1:0]), .write_data_i (write_data_i), .read_i (read),
      .read_addr_i (read_addr_i[AddrWidth-1:0]), .out_enable_i (out_enable_i),
      .out_zero_i (out_zero_i), .read_data_o (word), .read_nonzero_o (nonzero)
    );

    // What was last written to the place; what the latch and the output then hold of it.
    logic       written_q = 1'b0, latched_q = 1'b0, out_q = 1'b0;
    logic [1:0] word_q, latch_word_q, out_word_q;
    always_ff @(posedge clk_i) begin
      if (write && write_addr_i == place) begin
        written_q <= 1'b1;
        word_q    <= write_data_i;
      end
      if (read) begin
        latched_q    <= written_q & read_addr_i == place;
        latch_word_q <= word_q;
      end
      if (out_enable_i) begin
        out_q      <= latched_q | out_zero_i;
        out_word_q <= out_zero_i ? 2'd0 : latch_word_q;
      end
    end
    `PROVE(ReadsWhatWasWritten, !out_q || data == out_word_q)
  end

  // A word is read, another one written over it and read, and the output held meanwhile.
  wire [2:0] reach = {gen_depth[2].out_q & ~out_enable_i & read_i,
                      gen_depth[1].out_q & gen_depth[1].word_q != gen_depth[1].out_word_q,
                      gen_depth[0].out_q & place == 4'd1};
  `REACH(3, reach)

endmodule

`default_nettype wire
