// SPDX-License-Identifier: Apache-2.0
// stream_fifo of two depths between a source that offers what it likes while there is room and a
// sink that does as it likes, and a clear that comes when it likes.
`default_nettype none
`include "formal.svh"

module stream_fifo_proof (
  input wire       clk_i,
  input wire       rst_ni,
  input wire       clear_i,
  input wire       valid_i,
  input wire [1:0] data_i,
  input wire       ready_i,
  input wire       follow_i
);

  `RESET_FIRST

  logic was_reset_q = 1'b0;
  always_ff @(posedge clk_i) was_reset_q <= !rst_ni;

  wire [7:0] reach;
  for (genvar i = 0; i < 2; i++) begin : gen_depth
    // The first one has a memory a bit.
    localparam int Depth = i == 0 ? 4 : 8;
    localparam int Width = i == 0 ? 2 : 1;
    localparam int CountWidth = $clog2(Depth + 1) + 1;

    wire valid, through;
    wire [Width-1:0] data;
    wire [CountWidth-1:0] held;
    wire ready = held != CountWidth'(Depth) | (valid & ready_i);
    stream_fifo #(.Width (Width), .SideWidth (Width - 1), .Depth (Depth)) u_fifo (
      .clk_i (clk_i), .rst_ni (rst_ni), .clear_i (clear_i), .push_i (valid_i & ready),
      .data_i (data_i[Width-1:0]), .valid_o (valid), .ready_i (ready_i), .data_o (data)
    );
    stream_order #(.Width (Width), .Depth (Depth)) u_order (
      .clk_i (clk_i), .rst_ni (rst_ni), .clear_i (clear_i), .in_valid_i (valid_i),
      .in_ready_i (ready), .in_data_i (data_i[Width-1:0]), .out_valid_i (valid),
      .out_ready_i (ready_i), .out_data_i (data), .follow_i (follow_i), .held_o (held),
      .through_o (through)
    );

    // Cycles in which something was held and nothing offered.
    logic [2:0] hidden_q;
    always_ff @(posedge clk_i) begin
      hidden_q <= !rst_ni || clear_i || valid || held == '0 ? 3'd0 : hidden_q + 3'd1;
    end

    `PROVE(LowAfterReset, !(started_q && was_reset_q) || !valid)
    `PROVE(ShownInTime, !(started_q && rst_ni) || hidden_q < 3'd3)
    assign reach[4*i+:4] = {through, held == CountWidth'(Depth), clear_i & valid & ~ready_i,
                            clear_i & valid_i & ready & held != '0};
  end
  // Of depth 8: full; of depth 4: a beat followed behind others, a clear with a beat that waits,
  // and one with a beat that comes.
  wire [3:0] some = {reach[6], reach[3], reach[1:0]};
  `REACH(4, some)

endmodule

`default_nettype wire
