// SPDX-License-Identifier: Apache-2.0
// The triangular delay at the array's left edge: lane i leaves i + 1 cycles after it entered, so
// lane 0 has the input register and the lanes of a vector enter the array along a diagonal.
// Runs freely; data has no reset.
`default_nettype none
`include "assertions.svh"

module skew #(
  parameter int Lanes = 16,  // lanes of a vector
  parameter int Width = 8    // bits of a lane
) (
  input  wire                   clk_i,
  input  wire [Lanes*Width-1:0] data_i,
  output wire [Lanes*Width-1:0] data_o
);

  `REQUIRE(LegalSize, Lanes >= 1 && Width >= 1,
           "skew: Lanes and Width must be at least 1")

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    logic [(i+1)*Width-1:0] stages_q;
    if (i == 0) begin : gen_one
      always_ff @(posedge clk_i) stages_q <= data_i[Width-1:0];
    end else begin : gen_more
      always_ff @(posedge clk_i) stages_q <= {stages_q[i*Width-1:0], data_i[i*Width+:Width]};
    end
    assign data_o[i*Width+:Width] = stages_q[i*Width+:Width];
  end

endmodule

`default_nettype wire
