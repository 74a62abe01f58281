// SPDX-License-Identifier: Apache-2.0
// sum_o = psum_i + (0, act_i or -act_i), as ../ternary_add.sv, in the carry cells of Lattice ECP5.
//
// A CCU2C is two bits of adder, each a LUT4 that gives propagate and, from inputs A and B alone,
// generate. With A = psum, B = act, C = nonzero, D = negate, propagate is
// psum ^ (act & nonzero) ^ negate (INIT 16'h956A), and generate may be psum itself: where
// propagate is 0 both terms are equal. So select, negation and addition take one LUT4 a bit.
// The carry-in is negate. An odd width has half a cell to spare and starts its chain there; with
// an even one nextpnr adds a cell that leads the wire into the chain. (It adds one for a constant
// at the first CIN and for the last COUT, too, also to Yosys's own adders: the array is short of
// registers before it is short of these.)
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

  localparam logic [15:0] Add  = 16'h956A;  // as above
  localparam logic [15:0] Lead = 16'h000A;  // with C = 1: propagate 0, generate A, so carry = A

  localparam int Odd   = SumOutWidth % 2;
  localparam int Cells = (SumOutWidth + Odd) / 2;

  wire signed [SumInWidth-1:0]  psum_in  = psum_i;
  wire signed [ActWidth-1:0]    act_in   = act_i;
  wire        [SumOutWidth-1:0] psum_all = SumOutWidth'(psum_in);
  wire        [SumOutWidth-1:0] act_all  = SumOutWidth'(act_in);

  // Bit 0 of an odd width's chain is the carry-in.
  wire [2*Cells-1:0] psum, act, sum;
  if (Odd == 1) begin : gen_odd
    assign psum = {psum_all, negate_i};
    assign act  = {act_all, 1'b0};
    assign sum_o = sum[2*Cells-1:1];
    wire unused_sum = sum[0];
  end else begin : gen_even
    assign psum = psum_all;
    assign act  = act_all;
    assign sum_o = sum;
  end

  wire [Cells:0] carry;
  assign carry[0] = Odd == 1 ? 1'b0 : negate_i;

  for (genvar i = 0; i < Cells; i++) begin : gen_cell
    CCU2C #(
      .INIT0     (Odd == 1 && i == 0 ? Lead : Add),
      .INIT1     (Add),
      .INJECT1_0 ("NO"),
      .INJECT1_1 ("NO")
    ) u_add (
      .CIN  (carry[i]),
      .A0   (psum[2*i]),
      .B0   (act[2*i]),
      .C0   (Odd == 1 && i == 0 ? 1'b1 : nonzero_i),
      .D0   (Odd == 1 && i == 0 ? 1'b0 : negate_i),
      .A1   (psum[2*i+1]),
      .B1   (act[2*i+1]),
      .C1   (nonzero_i),
      .D1   (negate_i),
      .S0   (sum[2*i]),
      .S1   (sum[2*i+1]),
      .COUT (carry[i+1])
    );
  end

  wire unused_carry = carry[Cells];

endmodule

`default_nettype wire
