// SPDX-License-Identifier: Apache-2.0
// The way of a weight from the stream to a sum. The reference follows one tile, any one, from its
// beats on, and one vector, any one that meets this tile, through one column.
`default_nettype none
`include "formal.svh"

module array_proof #(
  parameter int Rows            = 4,
  parameter int Cols            = 4,
  parameter int ActWidth        = 8,
  parameter bit RegisterOperand = 1'b1,
  parameter int Format          = 1,
  parameter int Column          = 3   // the one that is followed
) (
  input wire                     clk_i,
  input wire                     rst_ni,
  // Code beats
  input wire                     tvalid_i,
  input wire [2*Cols-1:0]        tdata_i,
  input wire                     tlast_i,
  // What the sequencer does
  input wire [1:0]               tiles_start_i,
  input wire [1:0]               tiles_stay_i,
  input wire                     start_i,
  input wire                     tile_last_i,
  input wire                     swap_i,
  // Activations, as skew gives them
  input wire [Rows*ActWidth-1:0] act_i,
  // What is followed
  input wire                     follow_tile_i,
  input wire                     follow_vector_i
);

  localparam int SumWidth = ActWidth + $clog2(Rows + 1);
  localparam int Stage    = RegisterOperand ? 1 : 0;

  `RESET_FIRST
  wire running = started_q & rst_ni;

  (* anyconst *) logic [1:0] mode;
  always_comb assume (Format == szt_pkg::FormatSzt ? mode != 2'd3 : mode == szt_pkg::ModeForward);

  // ---- The design.
  wire                     tready, ready_next, last_error, first_row, ends;
  wire [1:0]               ended;
  wire [Rows-1:0]          row;
  wire [2*Cols-1:0]        codes;
  wire [Cols-1:0]          nonzero, negate;
  wire [Cols*SumWidth-1:0] sums;
  weight_loader #(.Rows (Rows), .Width (2 * Cols)) u_loader (
    .clk_i (clk_i), .rst_ni (rst_ni), .s_axis_tvalid (tvalid_i), .s_axis_tready (tready),
    .s_axis_tdata (tdata_i), .s_axis_tlast (tlast_i), .tiles_start_i (tiles_start_i),
    .tiles_stay_i (tiles_stay_i), .ready_next_o (ready_next),
    .start_i (start_i), .tile_last_i (tile_last_i), .last_error_o (last_error),
    .ended_o (ended), .ends_o (ends), .first_row_o (first_row), .row_o (row), .data_o (codes)
  );
  for (genvar c = 0; c < Cols; c++) begin : gen_decode
    szt_decode #(.Format (Format)) u_decode (
      .code_i (codes[2*c+:2]), .mode_i (mode), .nonzero_o (nonzero[c]), .negate_o (negate[c])
    );
  end
  ternary_array #(
    .Rows (Rows), .Cols (Cols), .ActWidth (ActWidth), .RegisterOperand (RegisterOperand)
  ) u_array (
    .clk_i (clk_i), .load_row_i (row), .nonzero_i (nonzero), .negate_i (negate),
    .swap_i (swap_i), .act_i (act_i), .sum_o (sums)
  );

  // ---- The contract: a load starts when one is ready and row 0 will not overtake the tag; a tag
  // follows row 0 of a load by a cycle or more, once.
  logic       loaded_q, tag_due_q, ready_q;
  logic [3:0] drain_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      loaded_q  <= 1'b0;
      tag_due_q <= 1'b0;
      ready_q   <= 1'b0;
      drain_q   <= '0;
    end else begin
      ready_q <= ready_next & ~start_i;
      if (start_i) loaded_q <= 1'b1;
      else if (swap_i) loaded_q <= 1'b0;
      if (first_row) tag_due_q <= 1'b1;
      else if (swap_i) tag_due_q <= 1'b0;
      // Row 0 is written Cols - 1 cycles behind the tag or later, a cycle after the start.
      if (swap_i) drain_q <= 4'(Cols - 3);
      else if (drain_q != '0) drain_q <= drain_q - 4'd1;
    end
  end
  always_comb begin
    assume (tiles_start_i != 2'b10 && tiles_stay_i != 2'b10);
    assume (!start_i || (ready_q && !loaded_q && drain_q == '0));
    assume (!swap_i || tag_due_q);
    if (Format == szt_pkg::FormatBt) begin
      for (int c = 0; c < Cols; c++) assume (tdata_i[2*c+:2] != szt_pkg::CodeZeroMinus);
    end
  end

  // ---- The tile: its beats as they are accepted, then how many tiles are loaded before it.
  localparam logic [2:0] Idle = 3'd0, Recording = 3'd1, Waiting = 3'd2, Loading = 3'd3,
                         Active = 3'd4, Over = 3'd5;
  logic [2:0] tile_q;
  logic [1:0] beat_q;           // row of the next beat
  logic [1:0] begun_q;          // tiles begun and not started
  logic [1:0] before_q;         // of these, before this one
  logic [2:0] load_q;           // rows of it that have been written to the shadows, from the start
  logic [1:0] code_q [0:Rows-1];
  wire push       = tvalid_i & tready;
  wire begin_tile = push & beat_q == '0;
  wire begin_this = begin_tile & follow_tile_i & tile_q == Idle;
  wire start_this = start_i & tile_q == Waiting & before_q == '0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      tile_q  <= Idle;
      beat_q  <= '0;
      begun_q <= '0;
      load_q  <= 3'd4;
    end else begin
      if (push) beat_q <= beat_q + 1'b1;
      begun_q <= begun_q + 2'(begin_tile) - 2'(start_i);
      if (begin_this) tile_q <= Recording;
      else if (tile_q == Recording && push && beat_q == 2'd3) tile_q <= Waiting;
      else if (start_this) tile_q <= Loading;
      else if (tile_q == Loading && swap_i) tile_q <= Active;
      else if (tile_q == Active && swap_i) tile_q <= Over;
      if (start_this) load_q <= 3'd0;
      else if (load_q != 3'd4) load_q <= load_q + 3'd1;
    end
    if (begin_this) before_q <= begun_q - 2'(start_i);
    else if (start_i && before_q != '0) before_q <= before_q - 2'd1;
    if (begin_this || (push && tile_q == Recording)) begin
      code_q[beat_q] <= tdata_i[2*Column+:2];
    end
  end

  // What came out of the loader for it. Proved by the task `lemmas`; where the sums are proved, it
  // is given.
  `LEMMA(LoadsInOrder, !running || load_q == 3'd4 || row == Rows'(1) << load_q[1:0])
  `LEMMA(LoadsWhatCame, !running || load_q == 3'd4 ||
                        codes[2*Column+:2] == code_q[load_q[1:0]])

  // ---- The vector: it enters behind the tag, with the next one at the latest. Row r comes r
  // cycles behind row 0 and meets the column Column cycles later; the reference adds it when the
  // array has the operand.
  function automatic signed [1:0] weight(input [1:0] m, input [1:0] code);
    case ({m, code})  // the table of the datasheet
      4'b00_01, 4'b01_00, 4'b10_00, 4'b10_01: weight = 2'sd1;
      4'b00_11, 4'b01_10, 4'b10_10, 4'b10_11: weight = -2'sd1;
      default:                                weight = 2'sd0;
    endcase
  endfunction

  localparam logic [3:0] First = 4'(Column + Stage + 1);  // the age at which row 0 is added
  logic [3:0] age_q;                             // cycles since row 0 entered; 0: no vector yet
  logic [ActWidth-1:0] act_q [0:Rows-1];
  logic signed [SumWidth-1:0] sum_q;
  wire enter = follow_vector_i & tile_q == Active & age_q == '0;
  wire [3:0] age = enter ? 4'd1 : age_q;         // from 1 on
  wire [3:0] entering = age - 4'd1;              // the row that enters
  wire [3:0] due      = age - First;             // the row that is added
  wire       adds     = age >= First & due < Rows;
  wire signed [ActWidth-1:0] met = First == 4'd1 ? act_i[ActWidth*due[1:0]+:ActWidth]
                                                 : act_q[due[1:0]];
  wire signed [SumWidth-1:0] above = sum_q & {SumWidth{due != '0}};
  always_ff @(posedge clk_i) begin
    if (!rst_ni) age_q <= '0;
    else if (age != '0 && age != 4'd15) age_q <= age + 4'd1;
    if (age != '0 && entering < Rows) begin
      act_q[entering[1:0]] <= act_i[ActWidth*entering[1:0]+:ActWidth];
    end
    if (adds) sum_q <= above + met * weight(mode, code_q[due[1:0]]);
  end
  wire out = age_q == First + 4'(Rows);

  `CLAIM(SumOfProducts, !running || !out || sums[SumWidth*Column+:SumWidth] == sum_q)

  wire [2:0] reach = {out & sum_q == 4 * 2 ** (ActWidth - 1), out & tile_q == Over,
                      begin_this & begun_q == 2'd1 & !start_i};
  `REACH(3, reach)

endmodule

`default_nettype wire
