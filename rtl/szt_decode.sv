// SPDX-License-Identifier: Apache-2.0
// Decodes one 2-bit weight code into the two wires that the array takes: the whole difference
// between the plain-ternary and the signed-zero design. Combinational.
//
// The array adds ((a & {nonzero}) ^ {negate}) + negate: a, 0 or -a.
//   mode          nonzero     negate
//   forward       mag         sign & mag    0- is kept from toggling the adder
//   zero_sign     !mag        sign & !mag
//   sign          1           sign
// FormatBt and FormatRaw are wires (nonzero = mag, negate = sign) and know the forward mode only:
// BT never holds 10, and for SZT codes a 0- adds ~0 + 1 = 0.
`default_nettype none
`include "assertions.svh"

module szt_decode #(
  parameter int Format   = 1,   // szt_pkg::FormatBt, FormatSzt or FormatRaw
  parameter bit Backward = 1'b1 // FormatSzt only: 0 builds the forward mode alone
) (
  input  wire [1:0] code_i,     // {sign, magnitude}
  input  wire [1:0] mode_i,     // szt_pkg::Mode*; ignored where only forward is built
  output wire       nonzero_o,
  output wire       negate_o
);

  `REQUIRE(LegalFormat, Format >= szt_pkg::FormatBt && Format <= szt_pkg::FormatRaw,
           "szt_decode: Format must be 0 (BT), 1 (SZT) or 2 (raw)")

  wire sign = code_i[1];
  wire mag  = code_i[0];

  if (Format != szt_pkg::FormatSzt) begin : gen_wires
    wire unused_mode = ^mode_i;
    assign nonzero_o = mag;
    assign negate_o  = sign;
  end else if (!Backward) begin : gen_forward
    wire unused_mode = ^mode_i;
    assign nonzero_o = mag;
    assign negate_o  = sign & mag;
  end else begin : gen_modes
    wire any  = mode_i == szt_pkg::ModeSign;
    wire zero = mode_i == szt_pkg::ModeZeroSign;
    assign nonzero_o = any | (mag ^ zero);
    assign negate_o  = sign & nonzero_o;
  end

endmodule

`default_nettype wire
