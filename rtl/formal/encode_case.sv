// SPDX-License-Identifier: Apache-2.0
// One float format: the number that the bits stand for is written out as a fixed-point one, in
// units of the smallest subnormal, so that the order of the reference is that of the real numbers.
`default_nettype none
`include "formal.svh"

module encode_case #(
  parameter int Latent   = 0,
  parameter int Width    = 32,
  parameter int Exponent = 8,
  parameter int Mantissa = 23
) (
  input  wire             clk_i,
  input  wire [Width-1:0] latent_i,
  input  wire [Width-1:0] threshold_i,
  output wire             above_o,
  output wire             nan_o
);

  localparam int Digits = Mantissa + 2 ** Exponent;
  localparam int Largest = 2 ** Exponent - 1;

  function automatic [Digits-1:0] number(input [Width-2:0] bits);
    logic [Exponent-1:0] exponent;
    exponent = bits[Mantissa+:Exponent];
    number = exponent == '0 ? Digits'(bits[Mantissa-1:0])
                            : Digits'({1'b1, bits[Mantissa-1:0]}) << (exponent - 1'b1);
  endfunction

  wire [1:0] code;
  szt_encode #(.Latent (Latent), .Width (Width)) u_encode (
    .latent_i (latent_i), .threshold_i (threshold_i), .code_o (code), .nan_o (nan_o)
  );

  // The host sends a finite threshold, at least 0.
  wire legal = !threshold_i[Width-1] && threshold_i[Mantissa+:Exponent] != Exponent'(Largest);

  wire largest  = latent_i[Mantissa+:Exponent] == Exponent'(Largest);
  wire nan      = largest && latent_i[Mantissa-1:0] != '0;
  wire infinite = largest && latent_i[Mantissa-1:0] == '0;
  wire above    = infinite || number(latent_i[Width-2:0]) > number(threshold_i[Width-2:0]);

  `PROVE(Sign, code[1] == latent_i[Width-1])
  `PROVE(Nan, nan_o == nan)
  `PROVE(NanHasMagnitude, !legal || !nan || code[0])
  `PROVE(Magnitude, !legal || nan || code[0] == above)
  `PROVE(MinusZero, !legal || latent_i != {1'b1, {(Width-1){1'b0}}} ||
                    code == szt_pkg::CodeZeroMinus)

  assign above_o = legal & above & ~nan;

endmodule

`default_nettype wire
