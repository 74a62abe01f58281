// SPDX-License-Identifier: Apache-2.0
// szt_encode in every format against encode_reference.
`default_nettype none
`include "formal.svh"

module encode_proof (
  input wire        clk_i,
  input wire [31:0] latent_i,
  input wire [31:0] threshold_i
);

  `NO_RESET

  wire [4:0] above, nan;
  encode_case #(.Latent (0), .Width (32), .Exponent (8), .Mantissa (23)) u_fp32 (
    .clk_i (clk_i), .latent_i (latent_i), .threshold_i (threshold_i),
    .above_o (above[0]), .nan_o (nan[0])
  );
  encode_case #(.Latent (1), .Width (16), .Exponent (5), .Mantissa (10)) u_fp16 (
    .clk_i (clk_i), .latent_i (latent_i[15:0]), .threshold_i (threshold_i[15:0]),
    .above_o (above[1]), .nan_o (nan[1])
  );
  encode_case #(.Latent (2), .Width (16), .Exponent (8), .Mantissa (7)) u_bf16 (
    .clk_i (clk_i), .latent_i (latent_i[15:0]), .threshold_i (threshold_i[15:0]),
    .above_o (above[2]), .nan_o (nan[2])
  );
  encode_integer_case #(.Width (16)) u_int16 (
    .clk_i (clk_i), .latent_i (latent_i[15:0]), .threshold_i (threshold_i[15:0]),
    .above_o (above[3])
  );
  encode_integer_case #(.Width (8)) u_int8 (
    .clk_i (clk_i), .latent_i (latent_i[7:0]), .threshold_i (threshold_i[7:0]),
    .above_o (above[4])
  );
  assign nan[4:3] = 2'b00;

  // Each format above and not above; a NaN of each float; -0 in fp32.
  wire [13:0] reach = {above, ~above, nan[2:0], latent_i == 32'h8000_0000};
  `REACH(14, reach)

endmodule

`default_nettype wire
