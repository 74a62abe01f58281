// SPDX-License-Identifier: Apache-2.0
// Test bench: an encoder of every latent format.
`default_nettype none

module unit_encode (
  input  wire [31:0] fp32_i,
  input  wire [31:0] fp32_threshold_i,
  output wire [1:0]  fp32_o,
  output wire        fp32_nan_o,
  input  wire [15:0] fp16_i,
  input  wire [15:0] fp16_threshold_i,
  output wire [1:0]  fp16_o,
  output wire        fp16_nan_o,
  input  wire [15:0] bf16_i,
  input  wire [15:0] bf16_threshold_i,
  output wire [1:0]  bf16_o,
  output wire        bf16_nan_o,
  input  wire [7:0]  int8_i,
  input  wire [7:0]  int8_threshold_i,
  output wire [1:0]  int8_o,
  output wire        int8_nan_o,
  input  wire [15:0] int16_i,
  input  wire [15:0] int16_threshold_i,
  output wire [1:0]  int16_o,
  output wire        int16_nan_o
);

  szt_encode #(
    .Latent (szt_pkg::LatentFp32),
    .Width  (32)
  ) u_fp32 (
    .latent_i    (fp32_i),
    .threshold_i (fp32_threshold_i),
    .code_o      (fp32_o),
    .nan_o       (fp32_nan_o)
  );
  szt_encode #(
    .Latent (szt_pkg::LatentFp16),
    .Width  (16)
  ) u_fp16 (
    .latent_i    (fp16_i),
    .threshold_i (fp16_threshold_i),
    .code_o      (fp16_o),
    .nan_o       (fp16_nan_o)
  );
  szt_encode #(
    .Latent (szt_pkg::LatentBf16),
    .Width  (16)
  ) u_bf16 (
    .latent_i    (bf16_i),
    .threshold_i (bf16_threshold_i),
    .code_o      (bf16_o),
    .nan_o       (bf16_nan_o)
  );
  szt_encode #(
    .Latent (szt_pkg::LatentInt),
    .Width  (8)
  ) u_int8 (
    .latent_i    (int8_i),
    .threshold_i (int8_threshold_i),
    .code_o      (int8_o),
    .nan_o       (int8_nan_o)
  );
  szt_encode #(
    .Latent (szt_pkg::LatentInt),
    .Width  (16)
  ) u_int16 (
    .latent_i    (int16_i),
    .threshold_i (int16_threshold_i),
    .code_o      (int16_o),
    .nan_o       (int16_nan_o)
  );

endmodule

`default_nettype wire
