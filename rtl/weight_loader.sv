// SPDX-License-Identifier: Apache-2.0
// Collects the weight beats of whole tiles and writes a tile into the array's shadows, one row a
// cycle, without ever stopping half-way.
//
// Beat b of a tile is array row b. Beats are accepted only for tiles that the sequencer has in
// hand (tiles_i), at most two tiles ahead. A load may start (ready_o, start_i) once all Rows beats
// of a tile wait; its row b is at data_o, named by row_o, b + 1 cycles after start_i. Back to back
// loads follow each other every Rows cycles.
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
  input  wire [1:0]       tiles_i,      // tiles not yet started: 0, 1, or 2 for two or more
  output wire             ready_o,      // a load may start
  input  wire             start_i,      // start it; only with ready_o
  input  wire             tile_last_i,  // with start_i: the tile is its command's last
  output wire             last_error_o, // combinational
  output wire [1:0]       ended_o,      // tiles not yet started whose last beat had TLAST, this
                                        // cycle's beat included
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

  wire fifo_ready, fifo_valid;
  wire in_first = in_row_q == '0;
  wire in_last  = in_row_q == LastRow;
  wire accept   = ~in_first | (begun_q < tiles_i);
  wire push     = s_axis_tvalid & accept & fifo_ready;
  assign s_axis_tready = accept & fifo_ready;

  // Loading: one row a cycle.
  logic                busy_q;
  logic [RowWidth-1:0] out_row_q;
  wire out_last = out_row_q == LastRow;
  assign ready_o = (complete_q != 2'd0) & (~busy_q | out_last);

  wire begin_tile     = push & in_first;
  wire complete_tile  = push & in_last;
  wire complete_ended = complete_tile & s_axis_tlast;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      in_row_q   <= '0;
      begun_q    <= 2'd0;
      complete_q <= 2'd0;
      ended_q    <= 2'b00;
      busy_q     <= 1'b0;
      out_row_q  <= '0;
    end else begin
      if (push) in_row_q <= in_last ? '0 : in_row_q + 1'b1;
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
      if (busy_q) out_row_q <= out_last ? '0 : out_row_q + 1'b1;
    end
  end

  stream_fifo #(
    .Width (Width),
    .Depth (FifoDepth)
  ) u_fifo (
    .clk_i   (clk_i),
    .rst_ni  (rst_ni),
    .clear_i (1'b0),
    .valid_i (s_axis_tvalid & accept),
    .ready_o (fifo_ready),
    .data_i  (s_axis_tdata),
    .valid_o (fifo_valid),
    .ready_i (busy_q),
    .data_o  (data_o)
  );

  assign first_row_o  = busy_q & (out_row_q == '0);
  assign ended_o      = 2'(ended_q[0]) + 2'(ended_q[1]) + 2'(complete_ended);
  assign row_o        = busy_q ? Rows'(1) << out_row_q : '0;
  assign last_error_o = (push & s_axis_tlast & ~in_last) | (start_i & (ended_q[0] != tile_last_i));

  `ASSERT(NeverStarves, !busy_q || fifo_valid)
  `ASSERT(StartOnlyWhenReady, !start_i || ready_o)
  `ASSERT(AtMostTwoTilesAhead, begun_q <= 2'd2 && complete_q <= begun_q)

endmodule

`default_nettype wire
