// SPDX-License-Identifier: Apache-2.0
// skew and deskew: any one vector is kept, and looked for where it must come out.
`default_nettype none
`include "formal.svh"

module skew_proof (
  input wire        clk_i,
  input wire [14:0] data_i,
  input wire        follow_i
);

  `NO_RESET

  // skew: lane i comes out i + 1 cycles later.
  wire [14:0] skewed;
  skew #(.Lanes (5), .Width (3)) u_skew (.clk_i (clk_i), .data_i (data_i), .data_o (skewed));

  logic [3:0]  age_q = 4'd0;  // cycles since the vector that is followed, from 1; 0: none yet
  logic [14:0] vector_q;
  always_ff @(posedge clk_i) begin
    if (age_q != 4'd0 && age_q != 4'd15) age_q <= age_q + 4'd1;
    else if (age_q == 4'd0 && follow_i) begin
      age_q    <= 4'd1;
      vector_q <= data_i;
    end
  end
  for (genvar i = 0; i < 5; i++) begin : gen_lane
    `PROVE(Skewed, age_q != 4'(i + 1) || skewed[3*i+:3] == vector_q[3*i+:3])
  end

  // deskew: lane i comes i / Together cycles after lane 0; all leave with the last.
  for (genvar together = 1; together <= 5; together++) begin : gen_together
    wire [14:0] aligned;
    deskew #(.Lanes (5), .Width (3), .Together (together)) u_deskew (
      .clk_i (clk_i), .data_i (data_i), .data_o (aligned)
    );
    logic [14:0] came_q;  // of the vector whose lane 0 came with follow_i
    wire  [14:0] came;
    for (genvar i = 0; i < 5; i++) begin : gen_lane
      wire now = i / together == 0 ? age_q == 4'd0 && follow_i : age_q == 4'(i / together);
      always_ff @(posedge clk_i) if (now) came_q[3*i+:3] <= data_i[3*i+:3];
      assign came[3*i+:3] = now ? data_i[3*i+:3] : came_q[3*i+:3];
    end
    localparam int Last = 4 / together;
    wire out = Last == 0 ? age_q == 4'd0 && follow_i : age_q == 4'(Last);
    `PROVE(Aligned, !out || aligned == came)
  end

  wire [1:0] reach = {age_q == 4'd5 && vector_q == 15'h5a5a, age_q == 4'd15};
  `REACH(2, reach)

endmodule

`default_nettype wire
