// SPDX-License-Identifier: Apache-2.0
// Watches one ready/valid channel and ends the simulation (or fails the proof) when its rules are
// broken. Not synthesised.
//
// Rules, after the AMBA AXI-Stream and AXI specifications: valid is low on the first edge out of
// reset; once valid is high it stays, payload and all, until ready; neither wire is ever X outside
// reset.
`default_nettype none
`include "assertions.svh"

module axis_checker #(
  parameter int Width = 8  // bits of the payload: everything that the source drives but valid
) (
  input wire             clk_i,
  input wire             rst_ni,
  input wire             valid_i,
  input wire             ready_i,
  input wire [Width-1:0] payload_i
);

  logic             in_reset_q = 1'b0;
  logic             waits_q = 1'b0;
  logic [Width-1:0] payload_q;
  always_ff @(posedge clk_i) begin
    in_reset_q <= !rst_ni;
    waits_q    <= rst_ni & valid_i & ~ready_i;
    payload_q  <= payload_i;
  end

`ifndef FORMAL  // a proof has no X
  `ASSERT(HandshakeKnown, (^{valid_i, ready_i}) !== 1'bx)
`endif
  `ASSERT(ValidLowAfterReset, !in_reset_q || !valid_i)
  `ASSERT(ValidStaysUntilReady, !waits_q || valid_i)
  `ASSERT(PayloadStaysUntilReady, !waits_q || payload_i === payload_q)

endmodule

`default_nettype wire
