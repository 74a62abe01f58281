// SPDX-License-Identifier: Apache-2.0
// Reset after configuration, and again while a button is held: low for 256 cycles, then high.
// The count starts from what the bitstream loads into registers, 0.
`default_nettype none
`include "assertions.svh"

module power_on_reset (
  input  wire  clk_i,
  input  wire  button_ni,  // asynchronous; low: reset
  output logic rst_no      // synchronous
);

  logic [1:0] button_nq = 2'b00;  // synchroniser
  logic [7:0] cycles_q = 8'd0;
  initial rst_no = 1'b0;

  always_ff @(posedge clk_i) begin
    button_nq <= {button_nq[0], button_ni};
    if (!button_nq[1]) cycles_q <= 8'd0;
    else if (!(&cycles_q)) cycles_q <= cycles_q + 1'b1;
    rst_no <= &cycles_q;
  end

endmodule

`default_nettype wire
