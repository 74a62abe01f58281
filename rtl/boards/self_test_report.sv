// SPDX-License-Identifier: Apache-2.0
// One line of text about a run of the self-test, over a serial line:
// "SZT 08x08 run 0001 signature 0123ABCD expected 0123ABCD PASS\r\n".
//
// start_i for one cycle while busy_o is low; what is reported must stay until busy_o is low again.
`default_nettype none
`include "assertions.svh"

module self_test_report #(
  parameter int          Rows     = 16,    // of the array, at most 99
  parameter int          Cols     = 16,
  parameter logic [31:0] Expected = '0,    // signature
  parameter int          Divisor  = 104    // cycles of a bit of the serial line
) (
  input  wire        clk_i,
  input  wire        rst_ni,  // synchronous, active low
  input  wire        start_i,
  output logic       busy_o,
  input  wire [15:0] runs_i,
  input  wire [31:0] signature_i,
  input  wire        pass_i,  // else FAIL, or
  input  wire        hung_i,  // HUNG
  output wire        tx_o
);

  // As text in hexadecimal.
  function automatic logic [7:0] digit(input logic [3:0] value);
    digit = value < 4'd10 ? 8'("0") + 8'(value) : 8'("A" - 10) + 8'(value);
  endfunction
  function automatic logic [63:0] digits(input logic [31:0] value);
    for (int i = 0; i < 8; i++) digits[8*i+:8] = digit(value[4*i+:4]);
  endfunction

  // '#' is the next digit of run and signature.
  localparam int Chars     = 62;
  localparam int CharWidth = $clog2(Chars);
  wire [31:0] outcome = hung_i ? "HUNG" : pass_i ? "PASS" : "FAIL";
  wire [8*Chars-1:0] line = {
    "SZT ", 8'("0" + Rows / 10), 8'("0" + Rows % 10), "x", 8'("0" + Cols / 10),
    8'("0" + Cols % 10), " run #### signature ######## expected ",
    digits(Expected), " ", outcome, 16'h0D0A};

  logic [CharWidth-1:0] left_q;    // characters behind this one
  logic [3:0]           digits_q;  // digits behind the next one
  wire  [47:0] numbers = {runs_i, signature_i};
  wire  [7:0]  place   = line[8*left_q+:8];
  wire  [7:0]  value   = digit(numbers[4*digits_q+:4]);
  wire         filled  = place == "#";
  wire         ready;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_o <= 1'b0;
    end else if (!busy_o) begin
      busy_o <= start_i;
    end else if (ready) begin
      busy_o <= left_q != '0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!busy_o) begin
      left_q   <= CharWidth'(Chars - 1);
      digits_q <= 4'd11;
    end else if (ready) begin
      left_q <= left_q - 1'b1;
      if (filled) digits_q <= digits_q - 1'b1;
    end
  end

  uart_transmitter #(
    .Divisor (Divisor)
  ) u_uart (
    .clk_i   (clk_i),
    .rst_ni  (rst_ni),
    .valid_i (busy_o),
    .ready_o (ready),
    .data_i  (filled ? value : place),
    .tx_o    (tx_o)
  );

endmodule

`default_nettype wire
