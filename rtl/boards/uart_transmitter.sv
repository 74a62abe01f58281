// SPDX-License-Identifier: Apache-2.0
// Serial transmitter, 8N1: a start bit, eight bits from the lowest on, a stop bit; idle is high.
// A byte is taken when valid_i and ready_o are high.
`default_nettype none
`include "assertions.svh"

module uart_transmitter #(
  parameter int Divisor = 104  // cycles of a bit, at least 2
) (
  input  wire       clk_i,
  input  wire       rst_ni,  // synchronous, active low
  input  wire       valid_i,
  output wire       ready_o,
  input  wire [7:0] data_i,
  output wire       tx_o
);

  `REQUIRE(LegalDivisor, Divisor >= 2,
           "uart_transmitter: Divisor must be at least 2")

  localparam int Width = $clog2(Divisor);

  logic [9:0]       shift_q;  // what is still to be sent, the line at bit 0
  logic [3:0]       bits_q;   // of it
  logic [Width-1:0] cycles_q;
  assign ready_o = bits_q == '0;
  assign tx_o    = shift_q[0];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      shift_q  <= '1;
      bits_q   <= '0;
      cycles_q <= '0;
    end else if (ready_o) begin
      if (valid_i) begin
        shift_q  <= {1'b1, data_i, 1'b0};
        bits_q   <= 4'd10;
        cycles_q <= '0;
      end
    end else if (cycles_q != Width'(Divisor - 1)) begin
      cycles_q <= cycles_q + 1'b1;
    end else begin
      cycles_q <= '0;
      bits_q   <= bits_q - 1'b1;
      shift_q  <= {1'b1, shift_q[9:1]};
    end
  end

endmodule

`default_nettype wire
