// SPDX-License-Identifier: Apache-2.0
// What goes in comes out: once, in order, unchanged and, while it waits, stable. One accepted beat,
// any one that follow_i points at, is followed by the count of beats in front of it: as that beat
// is arbitrary, what is proved of it holds for each.
`default_nettype none
`include "formal.svh"

module stream_order #(
  parameter int Width = 1,
  parameter int Depth = 2  // beats that the design may hold
) (
  input  wire                       clk_i,
  input  wire                       rst_ni,
  input  wire                       clear_i,  // drops all but a beat that waits at the output
  input  wire                       in_valid_i,
  input  wire                       in_ready_i,
  input  wire [Width-1:0]           in_data_i,
  input  wire                       out_valid_i,
  input  wire                       out_ready_i,
  input  wire [Width-1:0]           out_data_i,
  input  wire                       follow_i,
  output wire [$clog2(Depth+1):0]   held_o,    // beats in the design
  output wire                       through_o  // the beat leaves behind others
);

  localparam int CountWidth = $clog2(Depth + 1) + 1;

  wire push  = in_valid_i & in_ready_i;
  wire pop   = out_valid_i & out_ready_i;
  wire waits = out_valid_i & ~out_ready_i;

  logic [CountWidth-1:0] held_q, before_q;  // before_q: in front of the beat followed
  logic                  following_q, followed_q, waited_q;
  logic                  behind_q;          // there were others in front of it
  logic [Width-1:0]      beat_q, shown_q;
  wire [CountWidth-1:0] held_after_pop = held_q - CountWidth'(pop);
  wire start = push & follow_i & ~following_q & ~followed_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      held_q      <= '0;
      following_q <= 1'b0;
      followed_q  <= 1'b0;
      waited_q    <= 1'b0;
    end else begin
      held_q   <= clear_i ? CountWidth'(waits) : held_after_pop + CountWidth'(push);
      waited_q <= waits;
      if (following_q && pop && before_q == '0) begin
        following_q <= 1'b0;
        followed_q  <= 1'b1;
      end else if (clear_i) begin
        following_q <= following_q & waits & before_q == '0;
      end else if (start) begin
        following_q <= 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    shown_q <= out_data_i;
    if (start) begin
      beat_q   <= in_data_i;
      before_q <= held_after_pop;
      behind_q <= held_after_pop != '0;
    end else if (pop) begin
      before_q <= before_q - 1'b1;
    end
  end

  `PROVE(NothingFromNothing, !rst_ni || !out_valid_i || held_q != '0)
  `PROVE(NeverTooMany, !rst_ni || held_q <= CountWidth'(Depth))
  `PROVE(FollowedIsHeld, !rst_ni || !following_q || before_q < held_q)
  `PROVE(InOrderUnchanged, !rst_ni || !(following_q && before_q == '0 && out_valid_i) ||
                           out_data_i == beat_q)
  `PROVE(Stays, !rst_ni || !waited_q || (out_valid_i && out_data_i == shown_q))

  assign held_o    = held_q;
  assign through_o = rst_ni & following_q & before_q == '0 & pop & behind_q;

endmodule

`default_nettype wire
