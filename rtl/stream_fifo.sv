// SPDX-License-Identifier: Apache-2.0
// A ready/valid FIFO in block RAM: Depth beats, full rate from Depth 4 on, first beat shown at the
// output.
//
// A beat is at the output three cycles after it went in at the earliest. Both ready_o and valid_o
// depend on state only: it cuts all paths. ready_o is low in reset and while Depth beats are held.
// Data has no reset. clear_i drops every beat but one that waits at the output, which stays as it
// is until it is accepted; a beat that comes in during clear_i is dropped too.
`default_nettype none
`include "assertions.svh"

module stream_fifo #(
  parameter int Width = 8,  // bits of a beat
  parameter int Depth = 16  // beats held, a power of two, at least 2
) (
  input  wire             clk_i,
  input  wire             rst_ni,   // synchronous, active low
  input  wire             clear_i,  // drop what is not yet offered
  // In
  input  wire             valid_i,
  output wire             ready_o,
  input  wire [Width-1:0] data_i,
  // Out
  output wire             valid_o,
  input  wire             ready_i,
  output wire [Width-1:0] data_o
);

  localparam int AddrWidth = $clog2(Depth);

  `REQUIRE(LegalWidth, Width >= 1,
           "stream_fifo: Width must be at least 1")
  `REQUIRE(LegalDepth, Depth >= 2 && Depth == 2 ** $clog2(Depth),
           "stream_fifo: Depth must be a power of two, at least 2")

  logic [AddrWidth-1:0] write_addr_q, read_addr_q;
  logic [AddrWidth:0]   held_q;    // beats held in all
  logic [AddrWidth:0]   unread_q;  // of these, still to be read from the RAM
  logic                 has_unread_q;
  logic                 ready_q;
  logic                 latch_valid_q, out_valid_q;

  wire push  = valid_i & ready_q;
  wire pop   = out_valid_q & ready_i;
  wire waits = out_valid_q & ~ready_i;

  // The RAM's two output stages are an elastic pipeline.
  // A register for "not both hold a beat": nothing but a choice is behind ready_i.
  logic free_q;
  wire  out_enable   = ~out_valid_q | ready_i;
  wire  latch_enable = free_q | ready_i;
  wire  read         = has_unread_q & latch_enable;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_addr_q  <= '0;
      read_addr_q   <= '0;
      held_q        <= '0;
      unread_q      <= '0;
      has_unread_q  <= 1'b0;
      ready_q       <= 1'b0;
      latch_valid_q <= 1'b0;
      out_valid_q   <= 1'b0;
      free_q        <= 1'b1;
    end else if (clear_i) begin
      write_addr_q  <= '0;
      read_addr_q   <= '0;
      held_q        <= (AddrWidth+1)'(waits);
      unread_q      <= '0;
      has_unread_q  <= 1'b0;
      ready_q       <= 1'b1;
      latch_valid_q <= 1'b0;
      out_valid_q   <= waits;
      free_q        <= 1'b1;
    end else begin
      if (push) write_addr_q <= write_addr_q + 1'b1;
      if (read) read_addr_q <= read_addr_q + 1'b1;
      // Push, pop and read come late in a cycle: nothing but a choice is behind them.
      if (push & ~pop) held_q <= held_q + 1'b1;
      else if (pop & ~push) held_q <= held_q - 1'b1;
      if (push & ~read) unread_q <= unread_q + 1'b1;
      else if (read & ~push) unread_q <= unread_q - 1'b1;
      has_unread_q <= push | (unread_q > (AddrWidth+1)'(1)) | (has_unread_q & ~read);
      ready_q      <= pop | ~(push ? &held_q[AddrWidth-1:0] : held_q[AddrWidth]);
      if (latch_enable) latch_valid_q <= has_unread_q;
      if (out_enable) out_valid_q <= latch_valid_q;
      free_q <= (latch_enable & ~has_unread_q) | (out_enable & ~latch_valid_q);
    end
  end

  wire unused_zero;
  ram_1r1w #(
    .Width (Width),
    .Depth (Depth)
  ) u_ram (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .write_i      (push),
    .write_addr_i (write_addr_q),
    .write_data_i (data_i),
    .read_i       (read),
    .read_addr_i  (read_addr_q),
    .out_enable_i (out_enable),
    .out_zero_i   (1'b0),
    .read_data_o  (data_o),
    .read_zero_o  (unused_zero)
  );

  assign ready_o = ready_q;
  assign valid_o = out_valid_q;

  `ASSERT(HeldWithinDepth, held_q <= (AddrWidth+1)'(Depth))
  `ASSERT(UnreadAreHeld, unread_q <= held_q)
  `ASSERT(UnreadFlagExact, has_unread_q == (unread_q != '0))
  `ASSERT(NotReadyWhenFull, !ready_q || !held_q[AddrWidth])

endmodule

`default_nettype wire
