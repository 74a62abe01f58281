// SPDX-License-Identifier: Apache-2.0
// Stands in a stream and, after a reset of what is behind it, discards the packets that are still
// owed to it: beats up to and including as many TLASTs. Passes everything through otherwise.
//
// clear_i adds owed_i packets to what is left to discard; flush_i, which acts after clear_i, ends
// the discarding. More than 14 packets count as endless: only flush_i ends that. ready_o and
// valid_o depend on state and on the other side of the stream; it does not cut any path.
`default_nettype none

module stream_discard (
  input  wire       clk_i,
  input  wire       rst_ni,  // synchronous, active low
  input  wire       clear_i,
  input  wire [3:0] owed_i,   // with clear_i: packets of which the last beat has not been accepted
  input  wire       flush_i,
  // In
  input  wire       valid_i,
  output wire       ready_o,
  input  wire       last_i,
  // Out
  output wire       valid_o,
  input  wire       ready_i,
  // Status
  output wire       discarding_o
);

  localparam logic [3:0] Endless = 4'd15;

  logic [3:0] left_q;
  wire discarding = left_q != 4'd0;
  wire ended      = discarding & valid_i & last_i & (left_q != Endless);

  wire [4:0] left_d = {1'b0, left_q} - 5'(ended) + (clear_i ? {1'b0, owed_i} : 5'd0);

  always_ff @(posedge clk_i) begin
    if (!rst_ni || flush_i) left_q <= 4'd0;
    else if (left_d >= {1'b0, Endless}) left_q <= Endless;
    else left_q <= left_d[3:0];
  end

  assign ready_o      = discarding | ready_i;
  assign valid_o      = valid_i & ~discarding;
  assign discarding_o = discarding;

endmodule

`default_nettype wire
