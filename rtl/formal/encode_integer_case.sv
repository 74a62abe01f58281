// SPDX-License-Identifier: Apache-2.0
// Two's complement latents, compared as integers of two bits more.
`default_nettype none
`include "formal.svh"

module encode_integer_case #(
  parameter int Width = 16
) (
  input  wire             clk_i,
  input  wire [Width-1:0] latent_i,
  input  wire [Width-1:0] threshold_i,
  output wire             above_o
);

  wire [1:0] code;
  wire       nan;
  szt_encode #(.Latent (szt_pkg::LatentInt), .Width (Width)) u_encode (
    .latent_i (latent_i), .threshold_i (threshold_i), .code_o (code), .nan_o (nan)
  );

  wire signed [Width-1:0] latent    = latent_i;
  wire signed [Width+1:0] threshold = {2'b00, threshold_i};
  wire legal = threshold_i <= {1'b1, {(Width-1){1'b0}}};
  wire above = (Width+2)'(latent) > threshold || (Width+2)'(latent) < -threshold;

  `PROVE(Sign, code[1] == (latent < 0))
  `PROVE(Magnitude, !legal || code[0] == above)
  `PROVE(NoNan, !nan)

  assign above_o = legal & above;

endmodule

`default_nettype wire
