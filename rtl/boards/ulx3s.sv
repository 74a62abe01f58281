// SPDX-License-Identifier: Apache-2.0
// The self-test on Radiona's ULX3S (LFE5U-12F to -85F); pins in the .lpf beside it.
// LEDs: 0 busy, 1 pass, 2 fail, 3 hung, 4 to 7 a count of runs. Serial line: 115200 baud,
// the FT231X.
`default_nettype none
`include "assertions.svh"

module ulx3s #(
  parameter int          Rows            = 8,  // of self_test, as all down to Expected
  parameter int          Cols            = 8,
  parameter int          ActWidth        = 8,
  parameter int          AccWidth        = 32,
  parameter int          AccDepth        = 256,
  parameter int          FifoDepth       = 32,
  parameter int          ActReach        = 1,
  parameter bit          RegisterOperand = 1'b0,
  parameter bit          SplitAdd        = 1'b0,
  parameter logic [31:0] Expected        = '0,
  parameter int          ClockHz         = 25_000_000,
  parameter int          Baud            = 115_200
) (
  input  wire       clk_i,      // 25 MHz
  input  wire       button_ni,  // PWR, low: reset
  output wire [7:0] led_o,
  output wire       uart_tx_o,  // to the host
  output wire       wifi_gpio0_o
);

  wire        rst_n;
  wire [15:0] runs;

  power_on_reset u_reset (
    .clk_i     (clk_i),
    .button_ni (button_ni),
    .rst_no    (rst_n)
  );

  self_test #(
    .Rows            (Rows),
    .Cols            (Cols),
    .ActWidth        (ActWidth),
    .AccWidth        (AccWidth),
    .AccDepth        (AccDepth),
    .FifoDepth       (FifoDepth),
    .ActReach        (ActReach),
    .RegisterOperand (RegisterOperand),
    .SplitAdd        (SplitAdd),
    .Expected        (Expected),
    .Divisor         ((ClockHz + Baud / 2) / Baud)
  ) u_self_test (
    .clk_i  (clk_i),
    .rst_ni (rst_n),
    .busy_o (led_o[0]),
    .pass_o (led_o[1]),
    .fail_o (led_o[2]),
    .hung_o (led_o[3]),
    .runs_o (runs),
    .tx_o   (uart_tx_o)
  );

  // A few changes a second.
  assign led_o[7:4] = runs[11:8];

  // Else the ESP32 beside the FPGA may load another bitstream.
  assign wifi_gpio0_o = 1'b1;

  wire unused_runs = &{runs[15:12], runs[7:0]};

endmodule

`default_nettype wire
