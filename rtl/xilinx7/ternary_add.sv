// SPDX-License-Identifier: Apache-2.0
// sum_o = psum_i + (0, act_i or -act_i), as ../ternary_add.sv, in LUTs and carry chains of the
// 7 series of Xilinx (and its successors that keep CARRY4).
//
// Propagate is psum ^ (act & nonzero) ^ negate, one LUT4 a bit; where it is 0 both terms are equal,
// so that the carry takes psum itself. The carry-in is negate, at CYINIT: no look-up table.
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

  localparam int Cells = (SumOutWidth + 3) / 4;

  wire signed [SumInWidth-1:0]  psum_in = psum_i;
  wire signed [ActWidth-1:0]    act_in  = act_i;
  wire        [SumOutWidth-1:0] psum    = SumOutWidth'(psum_in);
  wire        [SumOutWidth-1:0] act     = SumOutWidth'(act_in);

  wire [4*Cells-1:0] propagate, generated, sum, carry;
  for (genvar i = 0; i < 4 * Cells; i++) begin : gen_bit
    if (i < SumOutWidth) begin : gen_used
      LUT4 #(.INIT(16'h956A)) u_propagate (
        .I0 (psum[i]), .I1 (act[i]), .I2 (nonzero_i), .I3 (negate_i), .O (propagate[i])
      );
      assign generated[i] = psum[i];
    end else begin : gen_spare
      assign propagate[i] = 1'b0;
      assign generated[i] = 1'b0;
    end
  end

  for (genvar i = 0; i < Cells; i++) begin : gen_cell
    if (i == 0) begin : gen_first
      CARRY4 u_carry (
        .CI (1'b0), .CYINIT (negate_i), .DI (generated[3:0]), .S (propagate[3:0]),
        .O (sum[3:0]), .CO (carry[3:0])
      );
    end else begin : gen_next
      CARRY4 u_carry (
        .CI (carry[4*i-1]), .CYINIT (1'b0), .DI (generated[4*i+:4]), .S (propagate[4*i+:4]),
        .O (sum[4*i+:4]), .CO (carry[4*i+:4])
      );
    end
  end

  assign sum_o = sum[SumOutWidth-1:0];
  wire unused_ends = &{1'b0, sum, carry};

endmodule

`default_nettype wire
