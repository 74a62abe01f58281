// SPDX-License-Identifier: Apache-2.0
// sum_o = psum_i + (0, act_i or -act_i): the multiply and the add of one processing element.
//
// The addend is ((act & {nonzero}) ^ {negate}) + negate, its last term the carry-in of the one
// adder. SumOutWidth must hold every sum that can arrive, so the addition never overflows;
// -2^(ActWidth-1) is legal. Combinational. This is the portable body; ecp5/ and xilinx7/ hold
// bodies of the same name, ports and function that put operand select and adder in one look-up
// table a bit: a flow takes one of the files.
`default_nettype none

module ternary_add #(
  parameter int ActWidth    = 8,  // bits of an activation, two's complement
  parameter int SumInWidth  = 9,  // bits of the partial sum that comes
  parameter int SumOutWidth = 10  // of the one that leaves: not below either
) (
  input  wire [ActWidth-1:0]    act_i,
  input  wire                   nonzero_i,
  input  wire                   negate_i,
  input  wire [SumInWidth-1:0]  psum_i,
  output wire [SumOutWidth-1:0] sum_o
);

  wire signed [ActWidth-1:0]   operand = (act_i & {ActWidth{nonzero_i}}) ^ {ActWidth{negate_i}};
  wire signed [SumInWidth-1:0] psum    = psum_i;

  // Yosys takes the last term for the carry-in: there is one adder.
  assign sum_o = SumOutWidth'(psum) + SumOutWidth'(operand) + SumOutWidth'(negate_i);

endmodule

`default_nettype wire
