// SPDX-License-Identifier: Apache-2.0
// stream_register between a source and a sink that do as they like.
`default_nettype none
`include "formal.svh"

module stream_register_proof (
  input wire       clk_i,
  input wire       rst_ni,
  input wire       valid_i,
  input wire [1:0] data_i,
  input wire       ready_i,
  input wire       follow_i
);

  `RESET_FIRST

  wire       ready, valid;
  wire [1:0] data;
  stream_register #(.Width (2)) u_register (
    .clk_i (clk_i), .rst_ni (rst_ni), .valid_i (valid_i), .ready_o (ready), .data_i (data_i),
    .valid_o (valid), .ready_i (ready_i), .data_o (data)
  );

  wire [2:0] held;
  wire       through;
  stream_order #(.Width (2), .Depth (2)) u_order (
    .clk_i (clk_i), .rst_ni (rst_ni), .clear_i (1'b0), .in_valid_i (valid_i), .in_ready_i (ready),
    .in_data_i (data_i), .out_valid_i (valid), .out_ready_i (ready_i), .out_data_i (data),
    .follow_i (follow_i), .held_o (held), .through_o (through)
  );

  logic was_reset_q = 1'b0;
  always_ff @(posedge clk_i) was_reset_q <= !rst_ni;
  wire running = started_q & rst_ni;

  // Every beat that is held is offered at once, in the order in which it came.
  `PROVE(ValidWhileHeld, !running || valid == (held != 0))
  `PROVE(ReadyWhileFree, !running || was_reset_q || ready == (held != 2))
  `PROVE(LowAfterReset, !(started_q && was_reset_q) || (!valid && !ready))

  wire [1:0] reach = {through, held == 2 && ready_i};
  `REACH(2, reach)

endmodule

`default_nettype wire
