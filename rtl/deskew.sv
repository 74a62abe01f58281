// SPDX-License-Identifier: Apache-2.0
// The triangular delay at the array's bottom edge: lanes come Together at a time, a cycle between
// them, and leave all together, when the last lanes come, which pass through. Runs freely; data has
// no reset.
`default_nettype none
`include "assertions.svh"

module deskew #(
  parameter int Lanes    = 16,  // lanes of a vector
  parameter int Width    = 12,  // bits of a lane
  parameter int Together = 1    // lanes that come in a cycle, from lane 0 on
) (
  input  wire                   clk_i,
  input  wire [Lanes*Width-1:0] data_i,
  output wire [Lanes*Width-1:0] data_o
);

  `REQUIRE(LegalSize, Lanes >= 1 && Width >= 1 && Together >= 1,
           "deskew: Lanes, Width and Together must be at least 1")

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    localparam int Delay = (Lanes - 1) / Together - i / Together;
    if (Delay == 0) begin : gen_through
      assign data_o[i*Width+:Width] = data_i[i*Width+:Width];
      wire unused_clk = clk_i;
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
