// SPDX-License-Identifier: Apache-2.0
// One processing element of a weight-stationary ternary array: adds a, 0 or -a to the partial sum
// that passes down, and hands the activation a on to the right.
//
// It holds an active and a shadow weight, each two wires {nonzero, negate}; ternary_add says what
// they do. SumOutWidth must hold every sum that can arrive; -2^(ActWidth-1) is legal.
// Latency: one cycle from act_i to psum_o and, with RegisterAct, to act_o (else act_o is act_i);
// with RegisterOperand psum_i is expected (and psum_o leaves) one cycle later. No reset.
`default_nettype none
`include "assertions.svh"

module ternary_pe #(
  parameter int ActWidth        = 8,     // bits of an activation, two's complement
  parameter int SumInWidth      = 9,     // bits of the partial sum from above
  parameter int SumOutWidth     = 10,    // bits of the partial sum to below
  parameter bit RegisterAct     = 1'b1,  // 0: the activation passes on in the same cycle
  parameter bit RegisterOperand = 1'b0   // 1: register the operand before the adder
) (
  input  wire                   clk_i,
  // Activations, left to right
  input  wire [ActWidth-1:0]    act_i,
  output wire [ActWidth-1:0]    act_o,
  // Partial sums, top to bottom
  input  wire [SumInWidth-1:0]  psum_i,
  output wire [SumOutWidth-1:0] psum_o,
  // Weights: load_i writes the shadow, swap_i makes the shadow active from the next cycle on
  input  wire                   load_i,
  input  wire                   nonzero_i,
  input  wire                   negate_i,
  input  wire                   swap_i
);

  `REQUIRE(LegalActWidth, ActWidth >= 2,
           "ternary_pe: ActWidth must be at least 2")
  `REQUIRE(LegalSumWidth, SumOutWidth > ActWidth && SumOutWidth >= SumInWidth,
           "ternary_pe: SumOutWidth must exceed ActWidth and not be below SumInWidth")

  logic shadow_nonzero_q, shadow_negate_q;
  logic active_nonzero_q, active_negate_q;
  logic [SumOutWidth-1:0] psum_q;

  always_ff @(posedge clk_i) begin
    if (load_i) begin
      shadow_nonzero_q <= nonzero_i;
      shadow_negate_q  <= negate_i;
    end
    if (swap_i) begin
      active_nonzero_q <= shadow_nonzero_q;
      active_negate_q  <= shadow_negate_q;
    end
  end

  if (RegisterAct) begin : gen_act_register
    logic [ActWidth-1:0] act_q;
    always_ff @(posedge clk_i) act_q <= act_i;
    assign act_o = act_q;
  end else begin : gen_act_wires
    assign act_o = act_i;
  end

  wire [SumOutWidth-1:0] sum;
  if (RegisterOperand) begin : gen_operand_register
    logic signed [ActWidth-1:0]  operand_q;
    logic                        carry_q;
    wire signed [SumInWidth-1:0] psum = psum_i;
    always_ff @(posedge clk_i) begin
      operand_q <= (act_i & {ActWidth{active_nonzero_q}}) ^ {ActWidth{active_negate_q}};
      carry_q   <= active_negate_q;
    end
    // As in ternary_add, with the operand there already.
    assign sum = SumOutWidth'(psum) + SumOutWidth'(operand_q) + SumOutWidth'(carry_q);
  end else begin : gen_operand_wires
    ternary_add #(
      .ActWidth    (ActWidth),
      .SumInWidth  (SumInWidth),
      .SumOutWidth (SumOutWidth)
    ) u_add (
      .act_i     (act_i),
      .nonzero_i (active_nonzero_q),
      .negate_i  (active_negate_q),
      .psum_i    (psum_i),
      .sum_o     (sum)
    );
  end

  always_ff @(posedge clk_i) psum_q <= sum;

  assign psum_o = psum_q;

endmodule

`default_nettype wire
