// SPDX-License-Identifier: Apache-2.0
// The triangular delay at the array's bottom edge: lane i leaves Lanes - 1 - i cycles after it
// entered, so the lanes of a vector that left the array along a diagonal are together again. The
// last lane passes through. Runs freely; data has no reset.
`default_nettype none
`include "assertions.svh"

module deskew #(
  parameter int Lanes = 16,  // lanes of a vector
  parameter int Width = 12   // bits of a lane
) (
  input  wire                   clk_i,
  input  wire [Lanes*Width-1:0] data_i,
  output wire [Lanes*Width-1:0] data_o
);

  `REQUIRE(LegalSize, Lanes >= 1 && Width >= 1,
           "deskew: Lanes and Width must be at least 1")

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    localparam int Delay = Lanes - 1 - i;
    if (Delay == 0) begin : gen_through
      assign data_o[i*Width+:Width] = data_i[i*Width+:Width];
    end else begin : gen_delay
      logic [Delay*Width-1:0] stages_q;
      if (Delay == 1) begin : gen_one
        always_ff @(posedge clk_i) stages_q <= data_i[i*Width+:Width];
      end else begin : gen_more
        always_ff @(posedge clk_i) begin
          stages_q <= {stages_q[(Delay-1)*Width-1:0], data_i[i*Width+:Width]};
        end
      end
      assign data_o[i*Width+:Width] = stages_q[(Delay-1)*Width+:Width];
    end
  end

endmodule

`default_nettype wire
