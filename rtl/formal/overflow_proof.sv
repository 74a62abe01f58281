// SPDX-License-Identifier: Apache-2.0
// Sums of a column cannot overflow: by induction over its rows, in every width. The two widths are
// those of ternary_array. Rows between which no width changes share the range of the last of them,
// which holds theirs.
`default_nettype none
`include "formal.svh"

module overflow_proof (
  input wire        clk_i,
  input wire        nonzero_i,
  input wire        negate_i,
  input wire [15:0] act_i,
  input wire [22:0] psum_i
);

  `NO_RESET

  for (genvar ActWidth = 2; ActWidth <= 16; ActWidth++) begin : gen_width
    for (genvar r = 0; r < 64; r++) begin : gen_row
      localparam int In  = r == 0 ? 1 : ActWidth + $clog2(r + 1);
      localparam int Out = ActWidth + $clog2(r + 2);
      if (r == 63 || $clog2(r + 1) != $clog2(r + 2) || $clog2(r + 2) != $clog2(r + 3))
      begin : gen_last
        // -2^(ActWidth-1) times -1 is legal.
        localparam int Unit = 2 ** (ActWidth - 1);
        wire signed [ActWidth-1:0] act  = act_i[ActWidth-1:0];
        wire signed [In-1:0]       psum = psum_i[In-1:0];
        wire signed [31:0] above = 32'(psum);
        wire signed [31:0] value = 32'(act);
        wire signed [31:0] exact = above + (!nonzero_i ? 0 : negate_i ? -value : value);
        wire legal = above >= -r * Unit && above <= r * Unit;

        wire signed [Out-1:0] sum;
        ternary_add #(.ActWidth (ActWidth), .SumInWidth (In), .SumOutWidth (Out)) u_add (
          .act_i (act), .nonzero_i (nonzero_i), .negate_i (negate_i), .psum_i (psum), .sum_o (sum)
        );

        `PROVE(Exact, !legal || 32'(sum) == exact)
        `PROVE(InRange, !legal || (exact >= -(r + 1) * Unit && exact <= (r + 1) * Unit))
        // Nothing that can arrive is cut off at the top either: the range fits the width that
        // comes, and no width is a bit too much.
        `PROVE(ArrivesWhole, r == 0 || (r * Unit < 2 ** (In - 1)))
        `PROVE(NoBitSpare, (r + 1) * Unit >= 2 ** (Out - 2))
      end
    end
    // AccWidth is at least this in every legal configuration.
    `PROVE(FitsAccumulator, ActWidth + $clog2(64 + 1) >= ActWidth + $clog2(63 + 2))
  end

  // The extreme: a column of 64 rows, all -2^15 times -1.
  wire [1:0] reach = {negate_i & nonzero_i & act_i == 16'h8000 & psum_i[21:0] == 22'd63 << 15,
                      !nonzero_i & negate_i};
  `REACH(2, reach)

endmodule

`default_nettype wire
