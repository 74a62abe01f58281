// SPDX-License-Identifier: Apache-2.0
// Encodes the latents of one stream beat, in any of the four formats. Combinational.
//
// Latents lie little-endian and contiguous: latent i is 32-bit word i in fp32, 16-bit half i in
// the other formats. Its code is in bits [2i+1:2i] of codes_o, by szt_encode; the places of
// latents that are not there hold 00.
//
// TKEEP: a latent is whole if all its bytes are kept. Latents are there up to the highest whole
// one, with the data as it stands where one below is not whole; if none is whole, none is there.
// keep_error_o says that TKEEP is not what it should be: a run of whole latents from byte 0, at
// least one, and all of them in a beat that does not end its row.
`default_nettype none
`include "assertions.svh"

module szt_encode_beat #(
  parameter int Lanes = 4  // 32-bit words of a beat
) (
  input  wire [32*Lanes-1:0]           data_i,
  input  wire [4*Lanes-1:0]            keep_i,
  input  wire                          last_i,       // the beat ends its row
  input  wire [1:0]                    format_i,     // szt_pkg::Latent*; LatentInt is int16
  input  wire [31:0]                   threshold_i,  // as in szt_encode; 16 bits: the low ones
  output wire [4*Lanes-1:0]            codes_o,
  output wire [2*Lanes-1:0]            there_o,      // latent i is there: ones from bit 0 on
  output wire [$clog2(2*Lanes+1)-1:0]  latents_o,    // how many are
  output wire [$clog2(2*Lanes+1)-1:0]  nans_o,       // of these, NaNs
  output wire                          keep_error_o
);

  localparam int Halves     = 2 * Lanes;
  localparam int CountWidth = $clog2(Halves + 1);

  `REQUIRE(LegalLanes, Lanes >= 1,
           "szt_encode_beat: Lanes must be at least 1")

  wire fp32 = format_i == 2'(szt_pkg::LatentFp32);
  wire fp16 = format_i == 2'(szt_pkg::LatentFp16);
  wire bf16 = format_i == 2'(szt_pkg::LatentBf16);

  // ---- Code and NaN flag of every latent, as each format would have them.
  wire [2*Lanes-1:0]  word_codes;
  wire [Lanes-1:0]    word_nans;
  wire [2*Halves-1:0] half_codes;
  wire [Halves-1:0]   half_nans;

  for (genvar w = 0; w < Lanes; w++) begin : gen_word
    szt_encode #(
      .Latent (szt_pkg::LatentFp32),
      .Width  (32)
    ) u_fp32 (
      .latent_i    (data_i[32*w+:32]),
      .threshold_i (threshold_i),
      .code_o      (word_codes[2*w+:2]),
      .nan_o       (word_nans[w])
    );
  end

  for (genvar h = 0; h < Halves; h++) begin : gen_half
    wire [1:0] fp16_code, bf16_code, int16_code;
    wire       fp16_nan, bf16_nan, int16_nan;

    szt_encode #(
      .Latent (szt_pkg::LatentFp16),
      .Width  (16)
    ) u_fp16 (
      .latent_i    (data_i[16*h+:16]),
      .threshold_i (threshold_i[15:0]),
      .code_o      (fp16_code),
      .nan_o       (fp16_nan)
    );
    szt_encode #(
      .Latent (szt_pkg::LatentBf16),
      .Width  (16)
    ) u_bf16 (
      .latent_i    (data_i[16*h+:16]),
      .threshold_i (threshold_i[15:0]),
      .code_o      (bf16_code),
      .nan_o       (bf16_nan)
    );
    szt_encode #(
      .Latent (szt_pkg::LatentInt),
      .Width  (16)
    ) u_int16 (
      .latent_i    (data_i[16*h+:16]),
      .threshold_i (threshold_i[15:0]),
      .code_o      (int16_code),
      .nan_o       (int16_nan)
    );
    assign half_codes[2*h+:2] = fp16 ? fp16_code : bf16 ? bf16_code : int16_code;
    assign half_nans[h]       = fp16 ? fp16_nan : bf16 ? bf16_nan : int16_nan;
  end

  // ---- Which latents are there. In fp32 a half stands for the word that it is part of.
  wire [Halves-1:0]  whole, present, there;
  wire [4*Lanes-1:0] keep;  // what TKEEP should be, for as many latents

  for (genvar h = 0; h < Halves; h++) begin : gen_there
    assign whole[h]       = fp32 ? &keep_i[4*(h/2)+:4] : &keep_i[2*h+:2];
    assign present[h]     = |whole[Halves-1:h];
    assign keep[2*h+:2]   = {2{present[h]}};
    if (h < Lanes) begin : gen_low
      assign there[h]     = fp32 ? present[2*h] : present[h];
    end else begin : gen_high
      assign there[h]     = ~fp32 & present[h];
    end
    assign codes_o[2*h+:2] = codes[2*h+:2] & {2{there[h]}};
  end

  wire [2*Halves-1:0] codes = fp32 ? {{2*Lanes{1'b0}}, word_codes} : half_codes;
  wire [Halves-1:0]   nans  = there & (fp32 ? {{Lanes{1'b0}}, word_nans} : half_nans);

  assign there_o      = there;
  assign keep_error_o = keep_i != keep || !present[0] || (!last_i && !present[Halves-1]);

  // ---- How many.
  logic [CountWidth-1:0] latent_count, nan_count;
  always_comb begin
    latent_count = '0;
    nan_count    = '0;
    for (int i = 0; i < Halves; i++) begin
      latent_count = latent_count + CountWidth'(there[i]);
      nan_count    = nan_count + CountWidth'(nans[i]);
    end
  end
  assign latents_o = latent_count;
  assign nans_o    = nan_count;

endmodule

`default_nettype wire
