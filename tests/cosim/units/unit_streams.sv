// SPDX-License-Identifier: Apache-2.0
// Test bench: the flow-control primitives in several sizes, each with a stream of its own.
// Index: 0 register of 64 bits, 1 register of 1 bit, 2 FIFO of 8 beats, 5 bits of them in a
// memory of their own, 3 FIFO of 4, 4 FIFO of 32, 5 FIFO of 16 one-bit beats. The producer of
// a FIFO counts the beats that it holds.
`default_nettype none

module unit_streams (
  input  wire            clk_i,
  input  wire            rst_ni,
  input  wire            clear_i,  // of the FIFOs
  input  wire [5:0]      valid_i,
  output wire [5:0]      ready_o,
  input  wire [6*64-1:0] data_i,
  output wire [5:0]      valid_o,
  input  wire [5:0]      ready_i,
  output wire [6*64-1:0] data_o
);

  for (genvar i = 0; i < 6; i++) begin : gen_stream
    localparam int Width = i == 1 || i == 5 ? 1 : 64;
    if (Width < 64) begin : gen_pad
      wire unused_data = ^data_i[64*i+Width+:64-Width];
      assign data_o[64*i+Width+:64-Width] = '0;
    end
    if (i < 2) begin : gen_register
      stream_register #(
        .Width (Width)
      ) u_register (
        .clk_i   (clk_i),
        .rst_ni  (rst_ni),
        .valid_i (valid_i[i]),
        .ready_o (ready_o[i]),
        .data_i  (data_i[64*i+:Width]),
        .valid_o (valid_o[i]),
        .ready_i (ready_i[i]),
        .data_o  (data_o[64*i+:Width])
      );
    end else begin : gen_fifo
      localparam int Depth     = i == 2 ? 8 : i == 3 ? 4 : i == 4 ? 32 : 16;
      localparam int HeldWidth = $clog2(Depth + 1);
      logic [HeldWidth-1:0] held_q;
      logic                 run_q;
      wire push  = valid_i[i] & ready_o[i];
      wire pop   = valid_o[i] & ready_i[i];
      wire waits = valid_o[i] & ~ready_i[i];
      assign ready_o[i] = run_q & (held_q != HeldWidth'(Depth));
      always_ff @(posedge clk_i) begin
        run_q <= rst_ni;
        if (!rst_ni) held_q <= '0;
        else if (clear_i) held_q <= HeldWidth'(waits);
        else held_q <= held_q + HeldWidth'(push) - HeldWidth'(pop);
      end

      stream_fifo #(
        .Width     (Width),
        .SideWidth (i == 2 ? 5 : 0),
        .Depth     (Depth)
      ) u_fifo (
        .clk_i   (clk_i),
        .rst_ni  (rst_ni),
        .clear_i (clear_i),
        .push_i  (push),
        .data_i  (data_i[64*i+:Width]),
        .valid_o (valid_o[i]),
        .ready_i (ready_i[i]),
        .data_o  (data_o[64*i+:Width])
      );
    end
  end

endmodule

`default_nettype wire
