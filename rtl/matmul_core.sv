// SPDX-License-Identifier: Apache-2.0
// Weight-stationary ternary matmul: codes and activations in, int32 results out, three ready/valid
// streams and a command port. Y[M, N] = X[M, K] * decode(W[N, K])^T, tile by tile.
//
// Beats. For each N tile, for each K tile: Rows code beats (beat b is k = tile * Rows + b; column c
// in bits [2c+1:2c]) and M activation beats (row r in bits [ActWidth*r +: ActWidth]). After the
// last K tile of an N tile, M result beats (column c in bits [AccWidth*c +: AccWidth]). TLAST: on
// codes and activations the last beat of the command, on results the last beat of each N tile.
// Commands. cmd_m_i 1..AccDepth, tile counts 1..2^24-1, mode legal for Format and Backward: the
// block that drives the port checks them. Two commands queue behind the running one.
// Timing. Unstalled, a command of T tiles takes (T-1) * P + M + c cycles from its first busy cycle
// to the acceptance of its last result: P = max(M, Rows, Hops), c = 2 * Rows + Hops + 7 (+ 1 with
// RegisterOperand, + 1 with SplitAdd). Any stall on any stream costs time only. Every output
// depends on state alone, but for the *_ended_o.
// A misplaced TLAST pulses an error output and changes nothing else.
// clear_i, for a cycle in which no command is offered, drops every command and all their beats. A
// result beat that waits at the output stays until it is accepted (result_held_o) and counts for
// nothing. The *_owed_o say, in that cycle, how many of the dropped commands had not brought all
// their beats before it, and *_ended_o that one brings its last in it: the block in front discards
// the rest.
`default_nettype none
`include "assertions.svh"

module matmul_core #(
  parameter int Rows            = 16,    // array rows, 4..64
  parameter int Cols            = 16,    // array columns, 4..64
  parameter int ActWidth        = 8,     // bits of an activation, 2..16
  parameter int AccWidth        = 32,    // bits of a result, ActWidth + $clog2(Rows + 1)..64
  parameter int AccDepth        = 256,   // vectors that the accumulator holds, 4..65536
  parameter int FifoDepth       = 64,    // result beats held; a power of two, see the check below
  parameter int Format          = 1,     // szt_pkg::FormatBt, FormatSzt or FormatRaw
  parameter bit Backward        = 1'b1,  // FormatSzt: 0 builds the forward mode only
  parameter int ActReach        = 1,     // columns that an activation passes in a cycle, 1..Cols
  parameter bit RegisterOperand = 1'b0,  // 1: one more pipeline stage in every element
  parameter bit SplitAdd        = 1'b0   // 1: one more pipeline stage in the accumulator
) (
  input  wire                          clk_i,
  input  wire                          rst_ni,  // synchronous, active low
  input  wire                          clear_i,
  // Command
  input  wire                          cmd_valid_i,
  output wire                          cmd_ready_o,
  input  wire [$clog2(AccDepth+1)-1:0] cmd_m_i,        // vectors
  input  wire [23:0]                   cmd_k_tiles_i,
  input  wire [23:0]                   cmd_n_tiles_i,
  input  wire                          cmd_single_i,   // both tile counts are 1
  input  wire [1:0]                    cmd_mode_i,     // szt_pkg::Mode*
  // Codes
  input  wire                          s_axis_codes_tvalid,
  output wire                          s_axis_codes_tready,
  input  wire [2*Cols-1:0]             s_axis_codes_tdata,
  input  wire                          s_axis_codes_tlast,
  // Activations
  input  wire                          s_axis_activations_tvalid,
  output wire                          s_axis_activations_tready,
  input  wire [Rows*ActWidth-1:0]      s_axis_activations_tdata,
  input  wire                          s_axis_activations_tlast,
  // Results
  output wire                          m_axis_results_tvalid,
  input  wire                          m_axis_results_tready,
  output wire [Cols*AccWidth-1:0]      m_axis_results_tdata,
  output wire                          m_axis_results_tlast,
  // Status
  output wire                          busy_o,         // a command is held
  output wire                          waiting_o,      // one waits behind the command being loaded
  output wire                          result_held_o,  // the result beat is from before clear_i
  // With clear_i: commands whose last beat was not accepted before (codes: by its TLAST)
  output wire [1:0]                    codes_owed_o,
  output wire [2:0]                    activations_owed_o,
  output wire                          codes_ended_o,        // one of them: in this cycle
  output wire                          activations_ended_o,  // one of them: in this cycle
  // Pulses, one cycle after the beat that caused them
  output wire                          done_o,                   // a command's last result left
  output wire                          codes_last_error_o,       // TLAST misplaced or missing
  output wire                          activations_last_error_o  // TLAST misplaced or missing
);

  localparam int MWidth     = $clog2(AccDepth + 1);
  localparam int PlaceWidth = $clog2(AccDepth);
  localparam int SumWidth   = ActWidth + $clog2(Rows + 1);
  localparam int ArrayStage = RegisterOperand ? 1 : 0;
  localparam int AddStages  = SplitAdd ? 2 : 1;
  // Cycles that an activation takes across the array.
  localparam int Hops       = (Cols + ActReach - 1) / ActReach;
  // From a vector's issue to its sums side by side at the accumulator.
  localparam int ArrayLatency = Rows + Hops + ArrayStage;
  // Cycles between two uses of a place in the accumulator.
  localparam int HazardWindow = 4;

  `REQUIRE(LegalRows, Rows >= 4 && Rows <= 64,
           "matmul_core: Rows must be 4..64")
  `REQUIRE(LegalCols, Cols >= 4 && Cols <= 64,
           "matmul_core: Cols must be 4..64")
  `REQUIRE(LegalActReach, ActReach >= 1 && ActReach <= Cols,
           "matmul_core: ActReach must be 1..Cols")
  `REQUIRE(LegalActWidth, ActWidth >= 2 && ActWidth <= 16,
           "matmul_core: ActWidth must be 2..16")
  `REQUIRE(LegalAccWidth, AccWidth >= SumWidth && AccWidth <= 64,
           "matmul_core: AccWidth must be ActWidth + $clog2(Rows + 1)..64")
  `REQUIRE(LegalAccDepth, AccDepth >= 4 && AccDepth <= 65536,
           "matmul_core: AccDepth must be 4..65536")
  `REQUIRE(LegalFifoDepth, FifoDepth >= ArrayLatency + AddStages + 4,
           "matmul_core: FifoDepth must be at least Rows + Hops + 5 (+ 1 for each extra stage)")

  // What clear_i resets: all but the output.
  wire run_n = rst_ni & ~clear_i;

  // ---- Command queue: the head is being loaded, one more waits behind it.
  wire              head_valid, head_pop;
  wire [MWidth-1:0] head_m;
  wire [23:0]       head_k_tiles, head_n_tiles;
  wire [1:0]        head_mode;

  stream_register #(
    .Width (MWidth + 24 + 24 + 2)
  ) u_commands (
    .clk_i   (clk_i),
    .rst_ni  (run_n),
    .valid_i (cmd_valid_i),
    .ready_o (cmd_ready_o),
    .data_i  ({cmd_m_i, cmd_k_tiles_i, cmd_n_tiles_i, cmd_mode_i}),
    .valid_o (head_valid),
    .ready_i (head_pop),
    .data_o  ({head_m, head_k_tiles, head_n_tiles, head_mode})
  );

  // ---- Load side: walks the tiles of the head, one ahead of the array. Counters run from 1.
  logic [23:0] k_tile_q, n_tile_q;
  wire first_k   = k_tile_q == 24'd1;
  wire last_k    = last_k_q;
  wire last_tile = last_tile_q;

  // Long compares end in registers. Starts are at least Rows cycles apart, so that flags of the
  // counters as they are have settled when the next start uses them; the flag of the tile at hand
  // must be right at once, and follows from what was known before.
  logic last_k_q, last_n_q, next_last_k_q, next_last_n_q, one_k_q;  // of the counters
  logic [23:0] k_plus_q, n_plus_q;
  logic next_tile_last_q;   // the tile after this one is the command's last
  logic last_tile_q;        // this one is
  logic single_q;           // the command behind the head has one tile
  wire  cmd_push = cmd_valid_i & cmd_ready_o;

  always_ff @(posedge clk_i) begin
    last_k_q         <= k_tile_q == head_k_tiles;
    k_plus_q         <= k_tile_q + 24'd1;
    n_plus_q         <= n_tile_q + 24'd1;
    next_last_k_q    <= k_plus_q == head_k_tiles;
    last_n_q         <= n_tile_q == head_n_tiles;
    next_last_n_q    <= n_plus_q == head_n_tiles;
    one_k_q          <= head_k_tiles == 24'd1;
    next_tile_last_q <= last_k_q ? one_k_q & next_last_n_q : next_last_k_q & last_n_q;
    if (cmd_push) single_q <= cmd_single_i;
    if (start) last_tile_q <= last_tile_q ? single_behind : next_tile_last_q;
    else if (!head_valid) last_tile_q <= single_behind;
  end

  // Tiles that may be accepted, of the head and of the command behind it: {two or more, any}.
  wire       second_valid  = head_valid & ~cmd_ready_o;
  wire       behind        = cmd_valid_i | ~cmd_ready_o;  // where there is a head: a command is
  wire       single_behind = cmd_ready_o ? cmd_single_i : single_q;
  wire [1:0] tiles_if_start = last_tile ? {behind & ~single_behind, behind} :
                                          {behind | ~next_tile_last_q, 1'b1};
  wire [1:0] tiles_if_stay  = head_valid ? {behind | ~last_tile, 1'b1} :
                                           {cmd_push & ~cmd_single_i, cmd_push};

  // The shadows are free again when the tag has left them behind: loaded_q from start to swap, then
  // until row 0 can be written without overtaking the tag (Hops - 2 cycles). Where Rows > Hops it
  // takes Rows - 2, so that every tile has the same period, whatever command was before it.
  localparam int Drain = (Rows > Hops ? Rows : Hops) - 3;
  logic loaded_q;
  logic [$clog2(Drain+1)-1:0] drain_q;

  wire loader_ready_next, loader_first_row, codes_last_error;
  wire [1:0] tiles_ended;
  wire       tile_ends;
  logic start_q;  // the head, a whole tile and free shadows are there
  wire  start = start_q;
  wire  swap;
  assign head_pop = start & last_tile;

  // The tile in the shadows.
  logic              next_ready_q;  // row 0 is on its way: the tag may follow
  logic              next_first_q, next_last_q, next_end_q;
  logic [MWidth-1:0] next_m_q;
  logic [1:0]        load_mode_q;

  always_ff @(posedge clk_i) begin
    if (!run_n) begin
      k_tile_q     <= 24'd1;
      n_tile_q     <= 24'd1;
      loaded_q     <= 1'b0;
      start_q      <= 1'b0;
      drain_q      <= '0;
      next_ready_q <= 1'b0;
    end else begin
      if (start) begin
        k_tile_q <= last_k ? 24'd1 : k_tile_q + 24'd1;
        if (last_k) n_tile_q <= last_tile ? 24'd1 : n_tile_q + 24'd1;
      end
      start_q <= ~start & ~swap & ~loaded_q & ((drain_q >> 1) == '0) &
                 (head_valid | cmd_push) & loader_ready_next;
      if (start) loaded_q <= 1'b1;
      else if (swap) loaded_q <= 1'b0;
      if (swap) drain_q <= ($clog2(Drain + 1))'(Drain);
      else if (drain_q != '0) drain_q <= drain_q - 1'b1;
      if (loader_first_row) next_ready_q <= 1'b1;
      else if (swap) next_ready_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (start) begin
      next_first_q <= first_k;
      next_last_q  <= last_k;
      next_end_q   <= last_tile;
      next_m_q     <= head_m;
      load_mode_q  <= head_mode;
    end
  end

  wire [Rows-1:0]   load_row;
  wire [2*Cols-1:0] load_codes;

  weight_loader #(
    .Rows  (Rows),
    .Width (2 * Cols)
  ) u_weight_loader (
    .clk_i         (clk_i),
    .rst_ni        (run_n),
    .s_axis_tvalid (s_axis_codes_tvalid),
    .s_axis_tready (s_axis_codes_tready),
    .s_axis_tdata  (s_axis_codes_tdata),
    .s_axis_tlast  (s_axis_codes_tlast),
    .tiles_start_i (tiles_if_start),
    .tiles_stay_i  (tiles_if_stay),
    .ready_next_o  (loader_ready_next),
    .start_i       (start),
    .tile_last_i   (last_tile),
    .last_error_o  (codes_last_error),
    .ended_o       (tiles_ended),
    .ends_o        (tile_ends),
    .first_row_o   (loader_first_row),
    .row_o         (load_row),
    .data_o        (load_codes)
  );

  // ---- The front-end: the one door through which a code enters.
  wire [Cols-1:0] nonzero, negate;
  for (genvar c = 0; c < Cols; c++) begin : gen_decode
    szt_decode #(
      .Format   (Format),
      .Backward (Backward)
    ) u_decode (
      .code_i    (load_codes[2*c+:2]),
      .mode_i    (load_mode_q),
      .nonzero_o (nonzero[c]),
      .negate_o  (negate[c])
    );
  end

  logic [Rows-1:0] load_row_q;
  logic [Cols-1:0] nonzero_q, negate_q;
  logic            swap_q;
  always_ff @(posedge clk_i) begin
    if (!run_n) load_row_q <= '0;
    else load_row_q <= load_row;
    nonzero_q <= nonzero;
    negate_q  <= negate;
    swap_q    <= swap;
  end

  // ---- Issue side: the vectors of the tile in the array.
  logic              active_q;  // vectors are still to come
  logic              tile_first_q, tile_last_q, tile_end_q;
  logic [PlaceWidth-1:0] behind_q;  // vectors behind the next one
  logic              last_vector_q, next_single_q;
  wire last_vector = last_vector_q;

  // A vector's place was last used M vectors ago, so it is inside the accumulator's window exactly
  // while at least M vectors were issued in the last HazardWindow - 1 cycles. Bit i of short_q: M
  // is i + 1, in a tile that adds to places.
  logic [HazardWindow-2:0] issued_q, short_q, next_short_q;
  logic next_small_q;  // next_m_q is below HazardWindow
  function automatic logic hazard(input logic [HazardWindow-2:0] short_tile,
                                  input logic [HazardWindow-2:0] issued);
    hazard = (short_tile[0] & |issued) | (short_tile[2] & &issued) |
             (short_tile[1] & ((issued[0] & issued[1]) | (issued[2] & (issued[0] | issued[1]))));
  endfunction

  // A last vector takes a place in the output FIFO before it is issued.
  localparam int CreditWidth = $clog2(FifoDepth + 1);
  logic [CreditWidth-1:0] credits_q;
  logic has_credit_q;  // credits_q is not 0

  // A register, since much hangs on it. Its next value is chosen by what happens in this cycle.
  logic ready_q;
  assign s_axis_activations_tready = ready_q;
  wire issue = ready_q & s_axis_activations_tvalid;
  assign swap = next_ready_q & (~active_q | (issue & last_vector));

  wire result_accepted = m_axis_results_tvalid & m_axis_results_tready;
  wire credit_taken    = issue & tile_last_q;

  wire more_credit     = (credits_q > CreditWidth'(1)) | result_accepted;
  wire has_credit      = more_credit | (has_credit_q & ~credit_taken);
  wire ready_if_swap   = ~hazard(next_short_q, {issued_q[HazardWindow-3:0], issue}) &
                         (~next_last_q | has_credit);
  wire ready_if_issue  = ~last_vector & ~hazard(short_q, {issued_q[HazardWindow-3:0], 1'b1}) &
                         (~tile_last_q | more_credit);
  wire ready_if_none   = active_q & ~hazard(short_q, {issued_q[HazardWindow-3:0], 1'b0}) &
                         (~tile_last_q | has_credit_q | result_accepted);

  wire result_waits    = m_axis_results_tvalid & ~m_axis_results_tready;
  wire result_kept     = rst_ni & result_waits;  // through clear_i

  always_ff @(posedge clk_i) begin
    if (!run_n) begin
      active_q     <= 1'b0;
      ready_q      <= 1'b0;
      issued_q     <= '0;
      credits_q    <= CreditWidth'(FifoDepth) - CreditWidth'(result_kept);
      has_credit_q <= 1'b1;
    end else begin
      if (swap) active_q <= 1'b1;
      else if (issue & last_vector) active_q <= 1'b0;
      issued_q <= {issued_q[HazardWindow-3:0], issue};
      if (result_accepted & ~credit_taken) credits_q <= credits_q + 1'b1;
      else if (credit_taken & ~result_accepted) credits_q <= credits_q - 1'b1;
      has_credit_q <= has_credit;
      ready_q      <= swap ? ready_if_swap : issue ? ready_if_issue : ready_if_none;
    end
  end

  always_ff @(posedge clk_i) begin
    if (swap) begin
      tile_last_q   <= next_last_q;
      tile_end_q    <= next_end_q;
      tile_first_q  <= next_first_q;
      behind_q      <= PlaceWidth'(next_m_q - 1'b1);
      last_vector_q <= next_single_q;
      short_q       <= next_short_q;
    end else if (issue) begin
      behind_q      <= behind_q - 1'b1;
      last_vector_q <= behind_q == PlaceWidth'(1);
    end
    // The swap is two cycles or more behind the start that sets next_m_q.
    next_single_q <= next_m_q == MWidth'(1);
    if (start) next_small_q <= head_m < MWidth'(HazardWindow);
    for (int i = 0; i < HazardWindow - 1; i++) begin
      next_short_q[i] <= ~next_first_q & next_small_q &
                         (next_m_q[$clog2(HazardWindow)-1:0] == ($clog2(HazardWindow))'(i + 1));
    end
  end

  wire activations_last_error =
      issue & (s_axis_activations_tlast != (tile_end_q & last_vector));

  // ---- The array and the delays at its edges.
  wire [Rows*ActWidth-1:0] skewed;
  wire [Cols*SumWidth-1:0] sums, aligned;

  skew #(
    .Lanes (Rows),
    .Width (ActWidth)
  ) u_skew (
    .clk_i  (clk_i),
    .data_i (s_axis_activations_tdata),
    .data_o (skewed)
  );

  ternary_array #(
    .Rows            (Rows),
    .Cols            (Cols),
    .ActWidth        (ActWidth),
    .ActReach        (ActReach),
    .RegisterOperand (RegisterOperand)
  ) u_array (
    .clk_i      (clk_i),
    .load_row_i (load_row_q),
    .nonzero_i  (nonzero_q),
    .negate_i   (negate_q),
    .swap_i     (swap_q),
    .act_i      (skewed),
    .sum_o      (sums)
  );

  deskew #(
    .Lanes    (Cols),
    .Width    (SumWidth),
    .Together (ActReach)
  ) u_deskew (
    .clk_i  (clk_i),
    .data_i (sums),
    .data_o (aligned)
  );

  // ---- Tags {valid, first, last, end, marker} reach the accumulator two cycles before the sums.
  localparam int TagStages = ArrayLatency - 2;
  logic [TagStages-1:0] tag_valid_q, tag_first_q, tag_last_q, tag_end_q, tag_marker_q;
  always_ff @(posedge clk_i) begin
    if (!run_n) tag_valid_q <= '0;
    else tag_valid_q <= {tag_valid_q[TagStages-2:0], issue};
    tag_first_q  <= {tag_first_q[TagStages-2:0], tile_first_q};
    tag_last_q   <= {tag_last_q[TagStages-2:0], tile_last_q};
    tag_end_q    <= {tag_end_q[TagStages-2:0], last_vector};
    tag_marker_q <= {tag_marker_q[TagStages-2:0], tile_end_q & last_vector};
  end

  wire                     result_valid, result_end, result_marker;
  wire [Cols*AccWidth-1:0] result;

  accumulator_bank #(
    .Cols     (Cols),
    .SumWidth (SumWidth),
    .AccWidth (AccWidth),
    .AccDepth (AccDepth),
    .SplitAdd (SplitAdd)
  ) u_accumulators (
    .clk_i    (clk_i),
    .rst_ni   (run_n),
    .valid_i  (tag_valid_q[TagStages-1]),
    .first_i  (tag_first_q[TagStages-1]),
    .last_i   (tag_last_q[TagStages-1]),
    .end_i    (tag_end_q[TagStages-1]),
    .marker_i (tag_marker_q[TagStages-1]),
    .sum_i    (aligned),
    .valid_o  (result_valid),
    .result_o (result),
    .end_o    (result_end),
    .marker_o (result_marker)
  );

  // ---- Output. TLAST and the end-of-command marker go beside the data: in its block RAMs they
  // would cost one more on parts with 16-bit wide ones. Credits keep the room.
  wire marker;

  stream_fifo #(
    .Width     (Cols * AccWidth + 2),
    .SideWidth (2),
    .Depth     (FifoDepth)
  ) u_results (
    .clk_i   (clk_i),
    .rst_ni  (rst_ni),
    .clear_i (clear_i),
    .push_i  (result_valid),
    .data_i  ({result, result_end, result_marker}),
    .valid_o (m_axis_results_tvalid),
    .ready_i (m_axis_results_tready),
    .data_o  ({m_axis_results_tdata, m_axis_results_tlast, marker})
  );

  // ---- Status: commands held, from acceptance to the last result; a beat kept through clear_i.
  logic held_result_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) held_result_q <= 1'b0;
    else held_result_q <= (held_result_q | clear_i) & result_waits;
  end

  wire command_done = result_accepted & marker & ~held_result_q;
  // Four at most are not issued yet; each of the others has a credit.
  localparam int HeldWidth = $clog2(FifoDepth + 5);
  logic [HeldWidth-1:0] held_q;
  wire command_accepted = cmd_valid_i & cmd_ready_o;
  always_ff @(posedge clk_i) begin
    if (!run_n) held_q <= '0;
    else held_q <= held_q + HeldWidth'(command_accepted) - HeldWidth'(command_done);
  end

  // Commands whose last vector has not been issued: two queued, one in the shadows, one running.
  logic [2:0] unissued_q;
  wire command_issued = issue & tile_end_q & last_vector;
  always_ff @(posedge clk_i) begin
    if (!run_n) unissued_q <= '0;
    else unissued_q <= unissued_q + 3'(command_accepted) - 3'(command_issued);
  end

  wire [1:0] commands_queued = 2'(head_valid) + 2'(second_valid);
  wire       codes_owed      = commands_queued > tiles_ended;
  assign codes_owed_o        = codes_owed ? commands_queued - tiles_ended : 2'd0;
  assign codes_ended_o       = codes_owed & tile_ends;
  assign activations_owed_o  = unissued_q;
  assign activations_ended_o = command_issued;
  assign waiting_o           = second_valid;
  assign result_held_o       = held_result_q;

  logic done_q, codes_last_error_q, activations_last_error_q;
  always_ff @(posedge clk_i) begin
    done_q                   <= rst_ni & command_done;
    codes_last_error_q       <= rst_ni & codes_last_error;
    activations_last_error_q <= rst_ni & activations_last_error;
  end

  assign busy_o = held_q != '0;
  assign done_o = done_q;
  assign codes_last_error_o = codes_last_error_q;
  assign activations_last_error_o = activations_last_error_q;

  `ASSERT(CreditsWithinDepth, credits_q <= CreditWidth'(FifoDepth))
  `ASSERT(HeldWithinCount, held_q <= HeldWidth'(FifoDepth + 4))
  `ASSERT(CreditFlagExact, has_credit_q == (credits_q != '0))
  `ASSERT(ReadyExact, ready_q == (active_q & ~hazard(short_q, issued_q) &
                                  (~tile_last_q | has_credit_q)))
  `ASSERT(NextFlagsSettled, !swap || (next_single_q == (next_m_q == MWidth'(1))))
  `ASSERT(LastVectorExact, !active_q || last_vector_q == (behind_q == '0))
  `ASSERT(SwapOnlyAfterLoad, !swap || loaded_q)
  `ASSERT(LastTileExact, !head_valid || last_tile_q ==
                         ((k_tile_q == head_k_tiles) & (n_tile_q == head_n_tiles)))
  `ASSERT(StartFree, !start_q || (head_valid && !loaded_q && drain_q == '0))
  `ASSERT(LastKSettled, !start || last_k_q == (k_tile_q == head_k_tiles))
  `ASSERT(NoCommandWithClear, !(clear_i && cmd_valid_i))
  `ASSERT(CommandSingle, !cmd_valid_i || cmd_single_i ==
                         (cmd_k_tiles_i == 24'd1 && cmd_n_tiles_i == 24'd1))
  wire [MWidth:0] spare_depth = (MWidth+1)'(AccDepth) - (MWidth+1)'(cmd_m_i);
  `ASSERT(CommandLegal, !cmd_valid_i || (cmd_m_i != '0 && !spare_depth[MWidth] &&
                                         cmd_k_tiles_i != '0 && cmd_n_tiles_i != '0))

endmodule

`default_nettype wire
