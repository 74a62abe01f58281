// SPDX-License-Identifier: Apache-2.0
// A FIFO in block RAM for a producer that keeps the room: it pushes only while fewer than Depth
// beats are held or one leaves. Full rate; the first beat is shown at the output, three cycles
// after its push at the earliest. valid_o depends on state only.
//
// Data has no reset. clear_i drops every beat but one that waits at the output, which stays as it
// is until it is accepted; a beat that comes in during clear_i is dropped too.
//
// The lowest SideWidth bits of a beat have a memory of their own, beside block RAMs that the others
// fill.
`default_nettype none
`include "assertions.svh"

module stream_fifo #(
  parameter int Width     = 8,  // bits of a beat
  parameter int SideWidth = 0,  // of these, in a memory of their own
  parameter int Depth     = 16  // beats held, a power of two, at least 4
) (
  input  wire             clk_i,
  input  wire             rst_ni,   // synchronous, active low
  input  wire             clear_i,  // drop what is not yet offered
  // In
  input  wire             push_i,
  input  wire [Width-1:0] data_i,
  // Out
  output wire             valid_o,
  input  wire             ready_i,
  output wire [Width-1:0] data_o
);

  localparam int AddrWidth = $clog2(Depth);

  `REQUIRE(LegalWidth, SideWidth >= 0 && Width > SideWidth,
           "stream_fifo: Width must be above SideWidth")
  `REQUIRE(LegalDepth, Depth >= 4 && Depth == 2 ** $clog2(Depth),
           "stream_fifo: Depth must be a power of two, at least 4")

  logic [AddrWidth-1:0] write_addr_q, read_addr_q;
  logic                 has_unread_q;  // beats are still to be read from the RAM
  logic                 latch_valid_q, out_valid_q;

  // The RAM's two output stages are an elastic pipeline.
  // A register for "not both hold a beat": nothing but a choice is behind ready_i.
  logic free_q;
  wire  out_enable   = ~out_valid_q | ready_i;
  wire  latch_enable = free_q | ready_i;
  wire  read         = has_unread_q & latch_enable;

  // Beats still to be read, a cycle late: push and read of the cycle before are beside it. Two
  // beats are in the output stages before it grows, so that Depth does not occur.
  logic [AddrWidth-1:0] unread_q;
  logic                 pushed_q, was_read_q;
  wire several_unread = (unread_q > AddrWidth'(2)) |
                        (unread_q[1] & (pushed_q | ~was_read_q)) |
                        (unread_q[0] & pushed_q & ~was_read_q);

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      write_addr_q  <= '0;
      read_addr_q   <= '0;
      unread_q      <= '0;
      pushed_q      <= 1'b0;
      was_read_q    <= 1'b0;
      has_unread_q  <= 1'b0;
      latch_valid_q <= 1'b0;
      out_valid_q   <= rst_ni & out_valid_q & ~ready_i;
      free_q        <= 1'b1;
    end else begin
      if (push_i) write_addr_q <= write_addr_q + 1'b1;
      if (read) read_addr_q <= read_addr_q + 1'b1;
      pushed_q   <= push_i;
      was_read_q <= read;
      if (pushed_q & ~was_read_q) unread_q <= unread_q + 1'b1;
      else if (was_read_q & ~pushed_q) unread_q <= unread_q - 1'b1;
      has_unread_q <= push_i | several_unread | (has_unread_q & ~read);
      if (latch_enable) latch_valid_q <= has_unread_q;
      if (out_enable) out_valid_q <= latch_valid_q;
      free_q <= (latch_enable & ~has_unread_q) | (out_enable & ~latch_valid_q);
    end
  end

  wire unused_nonzero;
  ram_1r1w #(
    .Width (Width - SideWidth),
    .Depth (Depth)
  ) u_ram (
    .clk_i          (clk_i),
    .rst_ni         (rst_ni),
    .write_i        (push_i),
    .write_addr_i   (write_addr_q),
    .write_data_i   (data_i[Width-1:SideWidth]),
    .read_i         (read),
    .read_addr_i    (read_addr_q),
    .out_enable_i   (out_enable),
    .out_zero_i     (1'b0),
    .read_data_o    (data_o[Width-1:SideWidth]),
    .read_nonzero_o (unused_nonzero)
  );

  if (SideWidth > 0) begin : gen_side
    wire unused_side_nonzero;
    ram_1r1w #(
      .Width (SideWidth),
      .Depth (Depth)
    ) u_ram (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .write_i        (push_i),
      .write_addr_i   (write_addr_q),
      .write_data_i   (data_i[SideWidth-1:0]),
      .read_i         (read),
      .read_addr_i    (read_addr_q),
      .out_enable_i   (out_enable),
      .out_zero_i     (1'b0),
      .read_data_o    (data_o[SideWidth-1:0]),
      .read_nonzero_o (unused_side_nonzero)
    );
  end

  assign valid_o = out_valid_q;

`ifndef SYNTHESIS
  logic [AddrWidth:0] held_q;
  wire pop   = out_valid_q & ready_i;
  wire waits = out_valid_q & ~ready_i;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) held_q <= '0;
    else if (clear_i) held_q <= (AddrWidth+1)'(waits);
    else held_q <= held_q + (AddrWidth+1)'(push_i) - (AddrWidth+1)'(pop);
  end
  wire [AddrWidth:0] unread = {1'b0, unread_q} + (AddrWidth+1)'(pushed_q) -
                              (AddrWidth+1)'(was_read_q);
`endif
  `ASSERT(PushOnlyWithRoom, !push_i || pop || !held_q[AddrWidth])
  `ASSERT(UnreadFlagExact, has_unread_q == (unread != '0))
  `ASSERT(SeveralExact, several_unread == (unread > (AddrWidth+1)'(1)))
  `ASSERT(AllHeldAreSomewhere, held_q == unread + (AddrWidth+1)'(latch_valid_q) +
                                         (AddrWidth+1)'(out_valid_q))

endmodule

`default_nettype wire
