// SPDX-License-Identifier: Apache-2.0
// The four builds of szt_decode on one code, against the table of codes in the datasheet.
`default_nettype none
`include "formal.svh"

module decode_proof (
  input wire       clk_i,
  input wire [1:0] code_i
);

  `NO_RESET

  // What a pair of wires makes the array add of an activation of 1: -1, 0 or 1.
  function automatic signed [2:0] weight(input nonzero, input negate);
    weight = !nonzero ? 3'sd0 : negate ? -3'sd1 : 3'sd1;
  endfunction

  // The table.
  logic signed [2:0] f, z, s;
  always_comb begin
    case (code_i)
      2'b00:   begin f = 3'sd0;  z = 3'sd1;  s = 3'sd1;  end
      2'b01:   begin f = 3'sd1;  z = 3'sd0;  s = 3'sd1;  end
      2'b10:   begin f = 3'sd0;  z = -3'sd1; s = -3'sd1; end
      default: begin f = -3'sd1; z = 3'sd0;  s = -3'sd1; end
    endcase
  end

  wire [2:0] nonzero, negate;  // one for each mode
  for (genvar m = 0; m < 3; m++) begin : gen_mode
    szt_decode #(.Format (1), .Backward (1'b1)) u_mode (
      .code_i (code_i), .mode_i (2'(m)), .nonzero_o (nonzero[m]), .negate_o (negate[m])
    );
  end
  wire forward_nonzero, forward_negate, bt_nonzero, bt_negate, raw_nonzero, raw_negate;
  szt_decode #(.Format (1), .Backward (1'b0)) u_forward (
    .code_i (code_i), .mode_i (2'd0), .nonzero_o (forward_nonzero), .negate_o (forward_negate)
  );
  szt_decode #(.Format (0)) u_bt (
    .code_i (code_i), .mode_i (2'd0), .nonzero_o (bt_nonzero), .negate_o (bt_negate)
  );
  szt_decode #(.Format (2)) u_raw (
    .code_i (code_i), .mode_i (2'd0), .nonzero_o (raw_nonzero), .negate_o (raw_negate)
  );

  wire signed [2:0] got_f = weight(nonzero[szt_pkg::ModeForward], negate[szt_pkg::ModeForward]);
  wire signed [2:0] got_z = weight(nonzero[szt_pkg::ModeZeroSign], negate[szt_pkg::ModeZeroSign]);
  wire signed [2:0] got_s = weight(nonzero[szt_pkg::ModeSign], negate[szt_pkg::ModeSign]);

  `PROVE(Forward, got_f == f)
  `PROVE(ZeroSign, got_z == z)
  `PROVE(Sign, got_s == s)
  `PROVE(PlanesAddUp, got_f + got_z == got_s)
  `PROVE(ZeroNeverNegates, (negate & ~nonzero) == 3'b000)
  `PROVE(ForwardAlone, forward_nonzero == nonzero[0] && forward_negate == negate[0])
  `PROVE(PlainAgrees, code_i == szt_pkg::CodeZeroMinus ||
                      (bt_nonzero == nonzero[0] && bt_negate == negate[0]))
  `PROVE(RawAddsTheSame, weight(raw_nonzero, raw_negate) == f)

  `REACH(4, 4'd1 << code_i)

endmodule

`default_nettype wire
