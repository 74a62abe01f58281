// SPDX-License-Identifier: Apache-2.0
// ternary_array with 8-bit weights and multipliers, to hold its area against; not a part of the
// core. The same skeleton: two weights an element, one activation register a column, sums exact.
`default_nettype none

module int8_array #(
  parameter int Rows     = 16,
  parameter int Cols     = 16,
  parameter int ActWidth = 8  // bits of an activation; a weight has 8
) (
  input  wire                                        clk_i,
  // Weights: load_row_i writes the shadows of a row, swap_i makes them active
  input  wire [Rows-1:0]                             load_row_i,
  input  wire [8*Cols-1:0]                           weight_i,
  input  wire                                        swap_i,
  input  wire [Rows*ActWidth-1:0]                    act_i,
  output wire [Cols*(ActWidth+8+$clog2(Rows+1))-1:0] sum_o
);

  localparam int Diagonals = Rows + Cols - 1;
  logic [Diagonals-1:1] swap_q;
  wire  [Diagonals-1:0] swap = {swap_q, swap_i};
  always_ff @(posedge clk_i) swap_q <= swap[Diagonals-2:0];

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    localparam int InWidth  = r == 0 ? 1 : ActWidth + 8 + $clog2(r + 1);
    localparam int OutWidth = ActWidth + 8 + $clog2(r + 2);

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
      logic signed [7:0]          shadow_q, active_q;
      logic signed [ActWidth-1:0] act_q;
      logic signed [OutWidth-1:0] sum_q;
      wire signed [ActWidth-1:0]  act_in  = act[c*ActWidth+:ActWidth];
      wire signed [InWidth-1:0]   psum    = psum_in[c*InWidth+:InWidth];
      wire signed [ActWidth+7:0]  product = act_in * active_q;

      always_ff @(posedge clk_i) begin
        if (load_row_i[r]) shadow_q <= weight_i[8*c+:8];
        if (swap[r+c]) active_q <= shadow_q;
        act_q <= act_in;
        sum_q <= OutWidth'(psum) + OutWidth'(product);
      end

      assign act[(c+1)*ActWidth+:ActWidth]   = act_q;
      assign psum_out[c*OutWidth+:OutWidth] = sum_q;
    end

    wire [ActWidth-1:0] unused_act = act[Cols*ActWidth+:ActWidth];
  end

  assign sum_o = gen_row[Rows-1].psum_out;

endmodule

`default_nettype wire
