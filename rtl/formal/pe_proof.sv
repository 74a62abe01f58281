// SPDX-License-Identifier: Apache-2.0
// ternary_pe at the widths of every row, with and without the operand register.
`default_nettype none
`include "formal.svh"

module pe_proof (
  input wire        clk_i,
  input wire        load_i,
  input wire        nonzero_i,
  input wire        negate_i,
  input wire        swap_i,
  input wire [7:0]  act_i,
  input wire [14:0] psum_i
);

  `NO_RESET

  wire [2:0] reach;

  // Rows at which a width changes; 31 and 63 are the last of 32 and 64 rows.
  for (genvar r = 0; r < 64; r++) begin : gen_row
    if (r < 3 || r == 31 || r == 63 || $clog2(r + 1) != $clog2(r + 2) || $clog2(r) != $clog2(r + 1))
    begin : gen_case
      pe_case #(.Row (r), .RegisterOperand (1'b0), .RegisterAct (1'b1)) u_plain (
        .clk_i (clk_i), .load_i (load_i), .nonzero_i (nonzero_i), .negate_i (negate_i),
        .swap_i (swap_i), .act_i (act_i), .psum_i (psum_i)
      );
      pe_case #(.Row (r), .RegisterOperand (1'b1), .RegisterAct (1'b0)) u_registered (
        .clk_i (clk_i), .load_i (load_i), .nonzero_i (nonzero_i), .negate_i (negate_i),
        .swap_i (swap_i), .act_i (act_i), .psum_i (psum_i)
      );
    end
  end

  logic loaded_q = 1'b0, swapped_q = 1'b0;
  always_ff @(posedge clk_i) begin
    loaded_q  <= loaded_q | (load_i & nonzero_i & negate_i);
    swapped_q <= swapped_q | (loaded_q & swap_i);
  end
  assign reach = {swapped_q & act_i == 8'h80, swapped_q & load_i & swap_i, swapped_q & ~load_i};
  `REACH(3, reach)

endmodule

`default_nettype wire
