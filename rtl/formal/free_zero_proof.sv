// SPDX-License-Identifier: Apache-2.0
// The free-zero lemma at the widths that a column has: the sign of a zero cannot reach a sum.
`default_nettype none
`include "formal.svh"

module free_zero_proof (
  input wire        clk_i,
  input wire        negate_i,
  input wire [1:0]  code_i,
  input wire [15:0] act_i,
  input wire [22:0] psum_i
);

  `NO_RESET

  wire [1:0] replaced = code_i == szt_pkg::CodeZeroMinus ? szt_pkg::CodeZeroPlus : code_i;
  wire [3:0] nonzero, negate;  // decoded, raw; of the code, of the code replaced
  for (genvar k = 0; k < 4; k++) begin : gen_code
    szt_decode #(.Format (k[0] ? szt_pkg::FormatRaw : szt_pkg::FormatSzt)) u_decode (
      .code_i (k[1] ? replaced : code_i), .mode_i (szt_pkg::ModeForward),
      .nonzero_o (nonzero[k]), .negate_o (negate[k])
    );
  end

  for (genvar wide = 0; wide < 2; wide++) begin : gen_width
    localparam int ActWidth = wide ? 16 : 8;
    for (genvar r = 0; r < 64; r = r < 3 ? r + 1 : 2 * r + 1) begin : gen_row
      localparam int In  = r == 0 ? 1 : ActWidth + $clog2(r + 1);
      localparam int Out = ActWidth + $clog2(r + 2);
      wire signed [In-1:0] psum = psum_i[In-1:0];
      wire [Out-1:0] kept = Out'(psum);
      wire [Out-1:0] sum_of_zero;
      ternary_add #(.ActWidth (ActWidth), .SumInWidth (In), .SumOutWidth (Out)) u_zero (
        .act_i (act_i[ActWidth-1:0]), .nonzero_i (1'b0), .negate_i (negate_i), .psum_i (psum),
        .sum_o (sum_of_zero)
      );
      wire [4*Out-1:0] sums;
      for (genvar k = 0; k < 4; k++) begin : gen_code
        ternary_add #(.ActWidth (ActWidth), .SumInWidth (In), .SumOutWidth (Out)) u_add (
          .act_i (act_i[ActWidth-1:0]), .nonzero_i (nonzero[k]), .negate_i (negate[k]),
          .psum_i (psum), .sum_o (sums[k*Out+:Out])
        );
      end
      `PROVE(ZeroAddsNothing, sum_of_zero == kept)
      `PROVE(CodesAddTheSame, sums == {4{sums[Out-1:0]}})
    end
  end

  wire [4:0] reach = {nonzero[0], negate_i, 3'b001 << code_i[1:0]};
  `REACH(5, reach)

endmodule

`default_nettype wire
