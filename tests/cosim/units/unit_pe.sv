// SPDX-License-Identifier: Apache-2.0
// Test bench: every front-end variant feeding a processing element, plain and with its operand
// registered, side by side on the same inputs.
`default_nettype none

module unit_pe (
  input  wire                clk_i,
  input  wire [1:0]          code_i,
  input  wire [1:0]          mode_i,
  input  wire                load_i,
  input  wire                swap_i,
  input  wire [7:0]          act_i,
  input  wire [10:0]         psum_i,
  // Variant v, plain in [12*(2v) +: 12] and registered in [12*(2v+1) +: 12]. Variants: 0 SZT,
  // 1 SZT forward only, 2 raw, 3 BT.
  output wire [2*4*12-1:0]   psum_o,
  output wire [2*4*8-1:0]    act_o,
  output wire [4-1:0]        nonzero_o,
  output wire [4-1:0]        negate_o
);

  for (genvar v = 0; v < 4; v++) begin : gen_variant
    szt_decode #(
      .Format   (v < 2 ? szt_pkg::FormatSzt : v == 2 ? szt_pkg::FormatRaw : szt_pkg::FormatBt),
      .Backward (v == 0)
    ) u_decode (
      .code_i    (code_i),
      .mode_i    (mode_i),
      .nonzero_o (nonzero_o[v]),
      .negate_o  (negate_o[v])
    );
    for (genvar r = 0; r < 2; r++) begin : gen_register
      ternary_pe #(
        .ActWidth        (8),
        .SumInWidth      (11),
        .SumOutWidth     (12),
        .RegisterOperand (r == 1)
      ) u_pe (
        .clk_i     (clk_i),
        .act_i     (act_i),
        .act_o     (act_o[8*(2*v+r)+:8]),
        .psum_i    (psum_i),
        .psum_o    (psum_o[12*(2*v+r)+:12]),
        .load_i    (load_i),
        .nonzero_i (nonzero_o[v]),
        .negate_i  (negate_o[v]),
        .swap_i    (swap_i)
      );
    end
  end

endmodule

`default_nettype wire
