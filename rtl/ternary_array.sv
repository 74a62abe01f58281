// SPDX-License-Identifier: Apache-2.0
// Rows x Cols weight-stationary ternary processing elements: activations pass left to right,
// partial sums top to bottom, one vector of Rows activations a cycle.
//
// An activation passes ActReach columns a cycle: it has a register behind every ActReach-th column.
// Expects row r of a vector r cycles after row 0; column c of its sum leaves c / ActReach cycles
// (rounded down) after column 0, which leaves Rows (+ 1 with RegisterOperand) cycles after row 0
// entered. Partial sums widen down a column to ActWidth + ceil(log2(r + 2)) bits below row r:
// -2^(ActWidth-1) times -1 is legal, and no row carries a bit that it cannot use.
// A load beat is broadcast down the columns and written to the shadows of the one row that
// load_row_i names. swap_i enters at row 0, column 0 and reaches row r, column c after
// r + c / ActReach cycles; a vector that enters in a later cycle than the tag meets the new weights
// everywhere, one that enters with it or earlier the old ones. No stall, no reset.
`default_nettype none
`include "assertions.svh"

module ternary_array #(
  parameter int Rows            = 16,   // elements of a vector: 2..64
  parameter int Cols            = 16,   // sums of a vector: 2..64
  parameter int ActWidth        = 8,    // bits of an activation
  parameter int ActReach        = 1,    // columns that an activation passes in a cycle: 1..Cols
  parameter bit RegisterOperand = 1'b0  // 1: one more pipeline stage in every element
) (
  input  wire                                      clk_i,
  // Weights
  input  wire [Rows-1:0]                           load_row_i,
  input  wire [Cols-1:0]                           nonzero_i,
  input  wire [Cols-1:0]                           negate_i,
  input  wire                                      swap_i,
  // Row r in bits [ActWidth*r +: ActWidth]
  input  wire [Rows*ActWidth-1:0]                  act_i,
  // Column c in bits [SumWidth*c +: SumWidth], SumWidth = ActWidth + $clog2(Rows + 1)
  output wire [Cols*(ActWidth+$clog2(Rows+1))-1:0] sum_o
);

  `REQUIRE(LegalRows, Rows >= 2 && Rows <= 64,
           "ternary_array: Rows must be 2..64")
  `REQUIRE(LegalCols, Cols >= 2 && Cols <= 64,
           "ternary_array: Cols must be 2..64")

  `REQUIRE(LegalActReach, ActReach >= 1 && ActReach <= Cols,
           "ternary_array: ActReach must be 1..Cols")

  // The tag's position depends on row + column / ActReach only, so an anti-diagonal shares one
  // register.
  localparam int Diagonals = Rows + (Cols - 1) / ActReach;
  logic [Diagonals-1:1] swap_q;
  wire  [Diagonals-1:0] swap = {swap_q, swap_i};
  always_ff @(posedge clk_i) swap_q <= swap[Diagonals-2:0];

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    localparam int InWidth  = r == 0 ? 1 : ActWidth + $clog2(r + 1);
    localparam int OutWidth = ActWidth + $clog2(r + 2);

    wire [Cols*InWidth-1:0]      psum_in;
    wire [Cols*OutWidth-1:0]     psum_out;
    wire [(Cols+1)*ActWidth-1:0] act;

    assign act[0+:ActWidth] = act_i[r*ActWidth+:ActWidth];
    if (r == 0) begin : gen_top
      assign psum_in = '0;
    end else begin : gen_below
      assign psum_in = gen_row[r-1].psum_out;
    end

    for (genvar c = 0; c < Cols; c++) begin : gen_col
      ternary_pe #(
        .ActWidth        (ActWidth),
        .SumInWidth      (InWidth),
        .SumOutWidth     (OutWidth),
        .RegisterAct     (c % ActReach == ActReach - 1),
        .RegisterOperand (RegisterOperand)
      ) u_pe (
        .clk_i     (clk_i),
        .act_i     (act[c*ActWidth+:ActWidth]),
        .act_o     (act[(c+1)*ActWidth+:ActWidth]),
        .psum_i    (psum_in[c*InWidth+:InWidth]),
        .psum_o    (psum_out[c*OutWidth+:OutWidth]),
        .load_i    (load_row_i[r]),
        .nonzero_i (nonzero_i[c]),
        .negate_i  (negate_i[c]),
        .swap_i    (swap[r+c/ActReach])
      );
    end

    wire [ActWidth-1:0] unused_act = act[Cols*ActWidth+:ActWidth];
  end

  assign sum_o = gen_row[Rows-1].psum_out;

endmodule

`default_nettype wire
