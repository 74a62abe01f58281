// SPDX-License-Identifier: Apache-2.0
// One ternary_pe beside a reference that holds its weights as the integers -1, 0 and 1 and
// multiplies. Nothing is claimed until a weight has been loaded and swapped in.
`default_nettype none
`include "formal.svh"

module pe_case #(
  parameter int Row             = 0,
  parameter bit RegisterOperand = 1'b0,
  parameter bit RegisterAct     = 1'b1
) (
  input wire        clk_i,
  input wire        load_i,
  input wire        nonzero_i,
  input wire        negate_i,
  input wire        swap_i,
  input wire [7:0]  act_i,
  input wire [14:0] psum_i
);

  localparam int In  = Row == 0 ? 1 : 8 + $clog2(Row + 1);
  localparam int Out = 8 + $clog2(Row + 2);

  wire [7:0]     act_out;
  wire [Out-1:0] psum_out;
  ternary_pe #(
    .ActWidth (8), .SumInWidth (In), .SumOutWidth (Out), .RegisterAct (RegisterAct),
    .RegisterOperand (RegisterOperand)
  ) u_pe (
    .clk_i (clk_i), .act_i (act_i), .act_o (act_out), .psum_i (psum_i[In-1:0]),
    .psum_o (psum_out), .load_i (load_i), .nonzero_i (nonzero_i), .negate_i (negate_i),
    .swap_i (swap_i)
  );

  logic              shadow_there_q = 1'b0, active_there_q = 1'b0;
  logic signed [1:0] shadow_q, active_q;
  wire signed [7:0]  act  = act_i;
  wire signed [In-1:0] psum = psum_i[In-1:0];
  always_ff @(posedge clk_i) begin
    if (load_i) begin
      shadow_there_q <= 1'b1;
      shadow_q       <= !nonzero_i ? 2'sd0 : negate_i ? -2'sd1 : 2'sd1;
    end
    if (swap_i) begin
      active_there_q <= shadow_there_q;
      active_q       <= shadow_q;
    end
  end

  // The product of this cycle, or with RegisterOperand of the cycle before.
  logic signed [9:0] product, product_q;
  logic              there, there_q = 1'b0, sum_there_q = 1'b0, act_there_q = 1'b0;
  logic signed [Out-1:0] sum_q;
  logic [7:0]        act_q;
  assign product = act * active_q;
  assign there   = RegisterOperand ? there_q : active_there_q;
  always_ff @(posedge clk_i) begin
    product_q   <= product;
    there_q     <= active_there_q;
    sum_q       <= Out'(psum) + Out'(RegisterOperand ? product_q : product);
    sum_there_q <= there;
    act_q       <= act_i;
    act_there_q <= 1'b1;
  end

  `PROVE(Sum, !sum_there_q || psum_out == sum_q)
  if (RegisterAct) begin : gen_act_later
    `PROVE(Activation, !act_there_q || act_out == act_q)
  end else begin : gen_act_now
    `PROVE(Activation, act_out == act_i)
  end

endmodule

`default_nettype wire
