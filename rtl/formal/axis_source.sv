// SPDX-License-Identifier: Apache-2.0
// A source that keeps the rules of AXI-Stream, and is free otherwise: assumed of an input what
// axis_checker asserts of it.
`default_nettype none

module axis_source #(
  parameter int Width = 8  // bits of the payload
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
  always_comb begin
    assume (!rst_ni || !in_reset_q || !valid_i);
    assume (!rst_ni || !waits_q || (valid_i && payload_i == payload_q));
  end

endmodule

`default_nettype wire
