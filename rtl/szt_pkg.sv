// SPDX-License-Identifier: Apache-2.0
// Constants of the signed-zero ternary code: codes, decode modes, front-end formats.
`default_nettype none

/* verilator lint_off UNUSEDPARAM */  // no one module uses every constant
package szt_pkg;

  // A code is {sign, magnitude}.
  localparam logic [1:0] CodeZeroPlus  = 2'b00;
  localparam logic [1:0] CodePlusOne   = 2'b01;
  localparam logic [1:0] CodeZeroMinus = 2'b10;
  localparam logic [1:0] CodeMinusOne  = 2'b11;

  // What a code is decoded to: forward f, zero sign z, sign s, with f + z = s.
  localparam logic [1:0] ModeForward  = 2'd0;
  localparam logic [1:0] ModeZeroSign = 2'd1;
  localparam logic [1:0] ModeSign     = 2'd2;

  // `Format` of szt_decode.
  localparam int FormatBt  = 0;  // plain (balanced) ternary baseline: wires only
  localparam int FormatSzt = 1;  // signed-zero ternary
  localparam int FormatRaw = 2;  // SZT codes straight into the array (the free-zero lemma)

  // `Latent` of szt_encode.
  localparam int LatentFp32 = 0;
  localparam int LatentFp16 = 1;
  localparam int LatentBf16 = 2;
  localparam int LatentInt  = 3;

endpackage
/* verilator lint_on UNUSEDPARAM */

`default_nettype wire
