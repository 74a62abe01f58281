// SPDX-License-Identifier: Apache-2.0
// Encodes one latent weight against a threshold into a 2-bit signed-zero ternary code.
// Combinational: sign = the latent's sign bit, magnitude = |latent| > threshold.
//
// Floats are compared as integers below the sign bit, which orders them as real numbers do, so
// -0.0 encodes to 0- and infinities to +1 and -1. A NaN encodes by its sign bit with magnitude 1
// and raises nan_o. Integers are two's complement; |minimum| does not wrap.
// Threshold: the magnitude in the latent's own format (sign bit 0), rounded toward zero by the
// host; for integers min(floor(threshold), 2^(Width-1)) as an unsigned number.
`default_nettype none
`include "assertions.svh"

module szt_encode #(
  parameter int Latent = 0,  // szt_pkg::LatentFp32, LatentFp16, LatentBf16 or LatentInt
  parameter int Width  = 32  // bits of a latent: 32 for fp32, 16 for fp16 and bf16, any for int
) (
  input  wire [Width-1:0] latent_i,
  input  wire [Width-1:0] threshold_i,
  output wire [1:0]       code_o,
  output wire             nan_o
);

  `REQUIRE(LegalLatent, Latent >= szt_pkg::LatentFp32 && Latent <= szt_pkg::LatentInt,
           "szt_encode: Latent must be 0 (fp32), 1 (fp16), 2 (bf16) or 3 (int)")
  `REQUIRE(LegalWidth, Latent == szt_pkg::LatentInt ? Width >= 2 :
           Width == (Latent == szt_pkg::LatentFp32 ? 32 : 16),
           "szt_encode: Width must be 32 for fp32, 16 for fp16 and bf16, at least 2 for int")

  wire sign = latent_i[Width-1];
  wire [Width-1:0] magnitude;

  if (Latent == szt_pkg::LatentInt) begin : gen_int
    assign magnitude = sign ? ~latent_i + 1'b1 : latent_i;
    assign nan_o     = 1'b0;
  end else begin : gen_float
    localparam int ExpWidth = Latent == szt_pkg::LatentFp16 ? 5 : 8;
    assign magnitude = {1'b0, latent_i[Width-2:0]};
    assign nan_o     = (&latent_i[Width-2-:ExpWidth]) & (|latent_i[Width-2-ExpWidth:0]);
  end

  assign code_o = {sign, magnitude > threshold_i};

endmodule

`default_nettype wire
