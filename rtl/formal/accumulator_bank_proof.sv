// SPDX-License-Identifier: Apache-2.0
// accumulator_bank, one place watched: any one. Vectors come as they like but for the window.
`default_nettype none
`include "formal.svh"

module accumulator_bank_proof (
  input wire       clk_i,
  input wire       rst_ni,
  input wire       valid_i,
  input wire       first_i,
  input wire       last_i,
  input wire       end_i,
  input wire       marker_i,
  input wire [1:0] sum_i
);

  localparam int Depth  = 5;
  localparam int Window = 4;  // cycles between two uses of a place

  `RESET_FIRST

  wire       valid, ended, marker;
  wire [2:0] result;
  accumulator_bank #(.Cols (1), .SumWidth (2), .AccWidth (3), .AccDepth (Depth)) u_bank (
    .clk_i (clk_i), .rst_ni (rst_ni), .valid_i (valid_i), .first_i (first_i), .last_i (last_i),
    .end_i (end_i), .marker_i (marker_i), .sum_i (sum_i), .valid_o (valid), .result_o (result),
    .end_o (ended), .marker_o (marker)
  );

  wire       split_valid, split_ended, split_marker;
  wire [2:0] split_result;
  accumulator_bank #(
    .Cols (1), .SumWidth (2), .AccWidth (3), .AccDepth (Depth), .SplitAdd (1'b1)
  ) u_split (
    .clk_i (clk_i), .rst_ni (rst_ni), .valid_i (valid_i), .first_i (first_i), .last_i (last_i),
    .end_i (end_i), .marker_i (marker_i), .sum_i (sum_i), .valid_o (split_valid),
    .result_o (split_result), .end_o (split_ended), .marker_o (split_marker)
  );

  (* anyconst *) logic [2:0] place;

  // ---- What whoever drives it promises: no more vectors than places, and the window.
  logic [2:0] position_q;
  logic [3:0] recent_q [1:Window-1];  // {valid, place} of the cycles before
  always_ff @(posedge clk_i) begin
    if (!rst_ni) position_q <= 3'd0;
    else if (valid_i) position_q <= end_i ? 3'd0 : position_q + 3'd1;
  end
  wire [Window-1:1] again;
  for (genvar i = 1; i < Window; i++) begin : gen_recent
    if (i == 1) begin : gen_now
      always_ff @(posedge clk_i) recent_q[i] <= {rst_ni & valid_i, position_q};
    end else begin : gen_then
      always_ff @(posedge clk_i) recent_q[i] <= {rst_ni & recent_q[i-1][3], recent_q[i-1][2:0]};
    end
    assign again[i] = recent_q[i] == {1'b1, position_q};
  end
  always_comb begin
    assume (!valid_i || end_i || position_q < Depth - 1);
    assume (!valid_i || first_i || again == '0);
  end

  // ---- The place's own sum.
  logic [4:0] tag1_q, tag2_q, tag3_q;  // {valid, first, last, end, marker}
  logic       here1_q, here2_q, here3_q;
  logic       known_q, total_known_q;
  logic [2:0] total_q, expected_q;
  wire signed [1:0] sum   = sum_i;
  wire        [2:0] total = (tag2_q[3] ? 3'd0 : total_q) + 3'(sum);
  wire known = tag2_q[3] | known_q;
  always_ff @(posedge clk_i) begin
    tag1_q  <= {rst_ni & valid_i, first_i, last_i, end_i, marker_i};
    tag2_q  <= {rst_ni & tag1_q[4], tag1_q[3:0]};
    tag3_q  <= {rst_ni & tag2_q[4], tag2_q[3:0]};
    here1_q <= position_q == place;
    here2_q <= here1_q;
    here3_q <= here2_q;
    if (!rst_ni) known_q <= 1'b0;
    else if (tag2_q[4] && here2_q) begin
      known_q <= known & ~tag2_q[2];
      total_q <= total;
    end
    total_known_q <= known;
    expected_q    <= total;
  end

  wire emits = tag3_q[4] & tag3_q[2];
  `PROVE(Valid, !started_q || !rst_ni || valid == emits)
  `PROVE(Tags, !started_q || !rst_ni || !valid || {ended, marker} == tag3_q[1:0])
  `PROVE(Sum, !started_q || !rst_ni || !(emits && here3_q && total_known_q) ||
              result == expected_q)

  // The split one: the same, a cycle later.
  logic       emits_q, checked_q;
  logic [1:0] tag4_q;
  logic [2:0] expected4_q;
  always_ff @(posedge clk_i) begin
    emits_q     <= rst_ni & emits;
    checked_q   <= rst_ni & emits & here3_q & total_known_q;
    tag4_q      <= tag3_q[1:0];
    expected4_q <= expected_q;
  end
  `PROVE(SplitValid, !started_q || !rst_ni || split_valid == emits_q)
  `PROVE(SplitTags, !started_q || !rst_ni || !split_valid ||
                    {split_ended, split_marker} == tag4_q)
  `PROVE(SplitSum, !started_q || !rst_ni || !checked_q || split_result == expected4_q)

  // A sum of three vectors that is not the last one's own; a place used again as soon as it may be.
  logic [1:0] added_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) added_q <= 2'd0;
    else if (tag2_q[4] && here2_q) added_q <= tag2_q[3] ? 2'd1 : added_q + 2'(added_q != 2'd3);
  end
  wire [2:0] reach = {emits & here3_q & total_known_q & added_q == 2'd3 & result == 3'd5,
                      emits & here3_q & total_known_q & place == 3'd4,
                      emits & here3_q & tag3_q[3]};
  `REACH(3, reach)

endmodule

`default_nettype wire
