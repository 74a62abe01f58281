// SPDX-License-Identifier: Apache-2.0
// One adder between registers, to hold a clock rate of the array against; not a part of it.
`default_nettype none

module lone_adder #(
  parameter int Width = 13  // bits of the sum
) (
  input  wire              clk_i,
  input  wire [Width-1:0]  a_i,
  input  wire [Width-1:0]  b_i,
  output logic [Width-1:0] sum_o  // a_i + b_i of two cycles ago
);

  logic [Width-1:0] a_q, b_q;

  always_ff @(posedge clk_i) begin
    a_q   <= a_i;
    b_q   <= b_i;
    sum_o <= a_q + b_q;
  end

endmodule

`default_nettype wire
