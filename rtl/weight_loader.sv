// SPDX-License-Identifier: Apache-2.0
// Collects the weight beats of whole tiles and writes a tile into the array's shadows, one row a
// cycle, without ever stopping half-way.
//
// Beat b of a tile is array row b. Beats are accepted only for tiles that the sequencer has in
// hand (tiles_*_i), at most two tiles ahead. A load may start (start_i, the cycle after
// ready_next_o) once all Rows beats of a tile wait; its row b is at data_o, named by row_o, b + 1
// cycles after start_i. Back to back loads follow each other every Rows cycles.
// TLAST belongs on the last beat of a command: tile_last_i at start_i says whether this tile ends
// one. A TLAST elsewhere or missing raises last_error_o for a cycle and changes nothing else.
`default_nettype none
`include "assertions.svh"

module weight_loader #(
  parameter int Rows  = 16,  // beats of a tile, at least 4 (the FIFO's latency must fit in a load)
  parameter int Width = 32   // bits of a beat
) (
  input  wire             clk_i,
  input  wire             rst_ni,       // synchronous, active low
  // Weight beats
  input  wire             s_axis_tvalid,
  output wire             s_axis_tready,
  input  wire [Width-1:0] s_axis_tdata,
  input  wire             s_axis_tlast,
  // Sequencer
  // Tiles not yet started from the next cycle on, with start_i and without: {two or more, any}
  input  wire [1:0]       tiles_start_i,
  input  wire [1:0]       tiles_stay_i,
  output wire             ready_next_o, // a load may start in the next cycle if none does in this
  input  wire             start_i,      // start it
  input  wire             tile_last_i,  // with start_i: the tile is its command's last
  output wire             last_error_o, // combinational
  output wire [1:0]       ended_o,      // tiles not yet started whose last beat had TLAST
  output wire             ends_o,       // one more: this cycle's beat
  // Shadows
  output wire             first_row_o,  // row 0 is being written
  output wire [Rows-1:0]  row_o,        // one-hot, 0 when idle
  output wire [Width-1:0] data_o
);

  localparam int RowWidth  = $clog2(Rows);
  localparam int FifoDepth = 2 ** $clog2(2 * Rows);
  localparam logic [RowWidth-1:0] LastRow = RowWidth'(Rows - 1);

  `REQUIRE(LegalRows, Rows >= 4,
           "weight_loader: Rows must be at least 4")

  // Accepting: which row of which tile the next beat is.
  logic [RowWidth-1:0] in_row_q;
  logic [1:0]          begun_q;     // tiles begun to be accepted and not started: 0..2
  logic [1:0]          complete_q;  // of these, whole in the FIFO: 0..2
  logic [1:0]          ended_q;     // for each complete tile, oldest at 0: its last beat had TLAST

  wire fifo_valid;
  logic in_first_q, in_last_q;  // in_row_q is 0, is the last
  wire in_first = in_first_q;
  wire in_last  = in_last_q;
  // A register, since much hangs on it: a beat inside of a tile, or the first of one in hand.
  logic accept_q;
  wire  push         = s_axis_tvalid & accept_q;
  // A tile that starts was begun.
  wire  room_if_start = begun_q[0] ? tiles_start_i[0] : tiles_start_i[1];
  wire  room_if_stay  = ~begun_q[1] & (begun_q[0] ? tiles_stay_i[1] : tiles_stay_i[0]);
  assign s_axis_tready = accept_q;

  // Loading: one row a cycle.
  logic                busy_q;
  logic [RowWidth-1:0] out_row_q;
  logic out_last_q;  // out_row_q is the last
  wire out_last = out_last_q;

  wire begin_tile     = push & in_first;
  wire complete_tile  = push & in_last;
  wire complete_ended = complete_tile & s_axis_tlast;

  assign ready_next_o = ((complete_q != 2'd0) | complete_tile) &
                        (~busy_q | out_last | (out_row_q == LastRow - 1'b1));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      in_row_q   <= '0;
      in_first_q <= 1'b1;
      in_last_q  <= 1'b0;
      accept_q   <= 1'b0;
      begun_q    <= 2'd0;
      complete_q <= 2'd0;
      ended_q    <= 2'b00;
      busy_q     <= 1'b0;
      out_row_q  <= '0;
      out_last_q <= 1'b0;
    end else begin
      if (push) begin
        in_row_q   <= in_last ? '0 : in_row_q + 1'b1;
        in_first_q <= in_last;
        in_last_q  <= in_row_q == LastRow - 1'b1;
      end
      // No tile both begins and ends with a beat, so that begun_q stays where a first beat is next.
      accept_q   <= ~(push ? in_last : in_first) | (start_i ? room_if_start : room_if_stay);
      begun_q    <= begun_q + 2'(begin_tile) - 2'(start_i);
      complete_q <= complete_q + 2'(complete_tile) - 2'(start_i);
      if (start_i) ended_q <= {1'b0, ended_q[1]};
      if (complete_tile) begin
        // The place behind the tiles that stay.
        if ((complete_q - 2'(start_i)) == 2'd0) ended_q[0] <= s_axis_tlast;
        else ended_q[1] <= s_axis_tlast;
      end
      if (start_i) busy_q <= 1'b1;
      else if (out_last) busy_q <= 1'b0;
      if (busy_q) begin
        out_row_q  <= out_last ? '0 : out_row_q + 1'b1;
        out_last_q <= out_row_q == LastRow - 1'b1;
      end
    end
  end

  stream_fifo #(
    .Width (Width),
    .Depth (FifoDepth)
  ) u_fifo (
    .clk_i   (clk_i),
    .rst_ni  (rst_ni),
    .clear_i (1'b0),
    .push_i  (push),
    .data_i  (s_axis_tdata),
    .valid_o (fifo_valid),
    .ready_i (busy_q),
    .data_o  (data_o)
  );

  assign first_row_o  = busy_q & (out_row_q == '0);
  assign ended_o      = 2'(ended_q[0]) + 2'(ended_q[1]);
  assign ends_o       = complete_ended;
  assign row_o        = busy_q ? Rows'(1) << out_row_q : '0;
  assign last_error_o = (push & s_axis_tlast & ~in_last) | (start_i & (ended_q[0] != tile_last_i));

  `ASSERT(NeverStarves, !busy_q || fifo_valid)
  `ASSERT(RowFlagsExact, in_first_q == (in_row_q == '0) && in_last_q == (in_row_q == LastRow) &&
                         out_last_q == (out_row_q == LastRow))
`ifndef SYNTHESIS
  logic [1:0] tiles_q;  // as the inputs: {two or more, any}
  always_ff @(posedge clk_i) begin
    if (!rst_ni) tiles_q <= 2'b00;
    else tiles_q <= start_i ? tiles_start_i : tiles_stay_i;
  end
  `ASSERT(AcceptExact, accept_q == (~in_first_q | (begun_q < 2'(tiles_q[0]) + 2'(tiles_q[1]))))
`endif
  `ASSERT(StartOnlyWhenReady, !start_i || (complete_q != 2'd0 && (!busy_q || out_last)))
  `ASSERT(AtMostTwoTilesAhead, begun_q <= 2'd2 && complete_q <= begun_q)

endmodule

`default_nettype wire
