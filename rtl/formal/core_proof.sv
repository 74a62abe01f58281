// SPDX-License-Identifier: Apache-2.0
// The sequencer of matmul_core, with hosts that do as they like: its credits, the accumulator's
// window, and every assertion that stands in the RTL below it. What it looks at inside of the core
// comes in by inputs probe_*, which the proof's script connects.
`default_nettype none
`include "formal.svh"

module core_proof #(
  parameter int Rows            = 4,
  parameter int Cols            = 4,
  parameter int ActWidth        = 2,
  parameter int AccWidth        = 5,
  parameter int AccDepth        = 4,
  parameter int FifoDepth       = 16,
  parameter bit RegisterOperand = 1'b1,
  parameter int Stages          = Rows + Cols + (RegisterOperand ? 1 : 0) - 2  // of the tags
) (
  input wire                          clk_i,
  input wire                          rst_ni,
  input wire                          clear_i,
  input wire                          cmd_valid_i,
  input wire [$clog2(AccDepth+1)-1:0] cmd_m_i,
  input wire [23:0]                   cmd_k_tiles_i,
  input wire [23:0]                   cmd_n_tiles_i,
  input wire                          codes_tvalid_i,
  input wire [2*Cols-1:0]             codes_tdata_i,
  input wire                          codes_tlast_i,
  input wire                          activations_tvalid_i,
  input wire [Rows*ActWidth-1:0]      activations_tdata_i,
  input wire                          activations_tlast_i,
  input wire                          results_tready_i,
  // Of the core's inside
  input wire                          probe_issue,
  input wire                          probe_active,
  input wire                          probe_tile_first,
  input wire                          probe_tile_last,
  input wire [$clog2(AccDepth)-1:0]   probe_behind,
  input wire                          probe_last_vector,
  input wire                          probe_ready,
  input wire [2:0]                    probe_issued,
  input wire [2:0]                    probe_short,
  input wire [2:0]                    probe_next_short,
  input wire                          probe_next_single,
  input wire                          probe_has_credit,
  input wire [$clog2(FifoDepth):0]    probe_credits,
  input wire [$clog2(FifoDepth)-1:0]  probe_unread,
  input wire                          probe_pushed,
  input wire                          probe_was_read,
  input wire                          probe_free,
  input wire                          probe_has_unread,
  input wire                          probe_latch_valid,
  input wire [Stages-1:0]             probe_tag_valid,
  input wire [Stages-1:0]             probe_tag_last,
  input wire [Stages-1:0]             probe_tag_end,
  input wire [2:0]                    probe_bank_valid,
  input wire [2:0]                    probe_bank_last,
  input wire [$clog2(AccDepth)-1:0]   probe_bank_place,
  input wire                          probe_load_starts,
  input wire                          probe_swap,
  input wire                          probe_loaded,
  input wire                          probe_next_first,
  input wire                          probe_next_ready,
  input wire                          probe_first_row,
  input wire                          probe_loading,
  input wire [$clog2(Rows)-1:0]       probe_load_row,
  input wire [$clog2(AccDepth+1)-1:0] probe_next_m,
  input wire                          probe_head_valid,
  input wire [$clog2(AccDepth+1)-1:0] probe_head_m,
  input wire [23:0]                   probe_k_tile
);

  localparam int AddrWidth = $clog2(AccDepth);
  localparam int HeldWidth = $clog2(FifoDepth) + 1;

  `RESET_FIRST

  // A legal command, and none with a clear.
  always_comb begin
    assume (!cmd_valid_i || (cmd_m_i != '0 && cmd_m_i <= AccDepth && cmd_k_tiles_i != '0 &&
                             cmd_n_tiles_i != '0));
    assume (!(clear_i && cmd_valid_i));
  end

  wire results_tvalid, cmd_ready, busy;
  matmul_core #(
    .Rows (Rows), .Cols (Cols), .ActWidth (ActWidth), .AccWidth (AccWidth), .AccDepth (AccDepth),
    .FifoDepth (FifoDepth), .RegisterOperand (RegisterOperand)
  ) u_core (
    .clk_i (clk_i), .rst_ni (rst_ni), .clear_i (clear_i), .cmd_valid_i (cmd_valid_i),
    .cmd_ready_o (cmd_ready), .cmd_m_i (cmd_m_i), .cmd_k_tiles_i (cmd_k_tiles_i),
    .cmd_n_tiles_i (cmd_n_tiles_i), .cmd_mode_i (2'd0),
    .cmd_single_i (cmd_k_tiles_i == 24'd1 && cmd_n_tiles_i == 24'd1),
    .s_axis_codes_tvalid (codes_tvalid_i),
    .s_axis_codes_tready (), .s_axis_codes_tdata (codes_tdata_i),
    .s_axis_codes_tlast (codes_tlast_i), .s_axis_activations_tvalid (activations_tvalid_i),
    .s_axis_activations_tready (), .s_axis_activations_tdata (activations_tdata_i),
    .s_axis_activations_tlast (activations_tlast_i), .m_axis_results_tvalid (results_tvalid),
    .m_axis_results_tready (results_tready_i), .m_axis_results_tdata (), .m_axis_results_tlast (),
    .busy_o (busy), .waiting_o (), .result_held_o (), .codes_owed_o (), .codes_ended_o (),
    .activations_owed_o (), .activations_ended_o (),
    .done_o (), .codes_last_error_o (), .activations_last_error_o ()
  );

  wire running = started_q & rst_ni;

  // What the results' FIFO holds. One bit more than it takes, so that no sum wraps.
  wire [HeldWidth:0] unread = (HeldWidth+1)'(probe_unread) + (HeldWidth+1)'(probe_pushed) -
                              (HeldWidth+1)'(probe_was_read);
  wire [HeldWidth:0] held   = unread + (HeldWidth+1)'(probe_latch_valid) +
                              (HeldWidth+1)'(results_tvalid);

  logic was_reset_q = 1'b1;
  always_ff @(posedge clk_i) was_reset_q <= !rst_ni;

  // ---- Registers that stand for what could be computed.
  wire [2:0] late = {&probe_issued, (probe_issued[0] & probe_issued[1]) |
                     (probe_issued[2] & (probe_issued[0] | probe_issued[1])), |probe_issued};
  `PROVE(Ready, !running || probe_ready == (probe_active & ~|(probe_short & late) &
                                            (~probe_tile_last | probe_has_credit)))

`ifdef CREDITS
  `PROVE(CreditFlag, !running || probe_has_credit == (probe_credits != '0))
  `PROVE(OnlyWithCredit, !running || !(probe_issue && probe_tile_last) || probe_credits != '0)
  `PROVE(UnreadFlag, !running || probe_has_unread == (unread != '0))
  `PROVE(WasThere, !running || !probe_was_read || probe_unread != '0)
  `PROVE(FreeFlag, !running || probe_free == !(probe_latch_valid && results_tvalid))
  `PROVE(StagesFirst, !running || unread < 2 || !probe_free)
  // ---- The ones left, the results on their way and those held are what the FIFO takes.
  wire [Stages-1:0] last_tags = probe_tag_valid & probe_tag_last;
  wire [2:0]        last_sums = probe_bank_valid & probe_bank_last;
  logic [HeldWidth:0] total;
  always_comb begin
    total = (HeldWidth+1)'(probe_credits) + held;
    for (int i = 0; i < Stages; i++) total = total + (HeldWidth+1)'(last_tags[i]);
    for (int i = 0; i < 3; i++) total = total + (HeldWidth+1)'(last_sums[i]);
  end
  `PROVE(CreditsAddUp, !running || total == FifoDepth)
  `PROVE(NoneInFlightAfterReset, !running || !was_reset_q ||
                                 (probe_tag_valid == '0 && probe_bank_valid == '0))
  `PROVE(NeverDropped, !running || !(probe_bank_valid[2] && probe_bank_last[2]) ||
                       held < FifoDepth)
  `PROVE(WithinDepth, !running || probe_credits <= FifoDepth)
`endif

`ifdef WINDOW
  // ---- The vectors of the last cycles, from the youngest on: place 0 .. 2 of these are the window
  // of the one that is issued now; Stages - 1 is at the bank.
  localparam int Length = Stages + 3;
  logic [$clog2(AccDepth+1)-1:0] vector_q, tile_m_q;  // the next one, from 1; of how many
  always_ff @(posedge clk_i) begin
    if (probe_swap) begin
      vector_q <= 'd1;
      tile_m_q <= probe_next_m;
    end else if (probe_issue) begin
      vector_q <= vector_q + 1'b1;
    end
  end
  wire [AddrWidth-1:0] place = AddrWidth'(vector_q - 1'b1);
  logic [Length-1:0]           there_q, first_q;
  logic [Length*AddrWidth-1:0] places_q;
  always_ff @(posedge clk_i) begin
    there_q  <= !rst_ni || clear_i ? '0 : {there_q[Length-2:0], probe_issue};
    first_q  <= {first_q[Length-2:0], probe_tile_first};
    places_q <= {places_q[(Length-1)*AddrWidth-1:0], place};
  end

  wire [2:0] again;
  for (genvar i = 0; i < 3; i++) begin : gen_again
    assign again[i] = there_q[i] & places_q[i*AddrWidth+:AddrWidth] == place;
  end
  `PROVE(WindowAtIssue, !running || !probe_issue || probe_tile_first || again == 3'b000)
  `PROVE(PlaceExists, !running || !probe_active ||
                      (vector_q != '0 && vector_q <= tile_m_q && tile_m_q <= AccDepth))
  `PROVE(Behind, !running || !probe_active || (probe_behind == tile_m_q - vector_q &&
                                               probe_last_vector == (probe_behind == '0)))
  for (genvar i = 0; i < 3; i++) begin : gen_short
    `PROVE(Short, !running || !probe_active ||
                  probe_short[i] == (~probe_tile_first & tile_m_q == i + 1))
    `PROVE(NextShort, !running || !probe_next_ready ||
                      probe_next_short[i] == (~probe_next_first & probe_next_m == i + 1))
  end
  `PROVE(NextSingle, !running || !probe_next_ready || probe_next_single == (probe_next_m == 'd1))
  `PROVE(StartFree, !running || !probe_load_starts || !probe_loaded)
  for (genvar i = 0; i < Stages; i++) begin : gen_window
    for (genvar j = i + 1; j < i + 4; j++) begin : gen_pair
      `PROVE(Window, !running || !(there_q[i] && there_q[j]) || first_q[i] ||
                     places_q[i*AddrWidth+:AddrWidth] != places_q[j*AddrWidth+:AddrWidth])
    end
  end

  // The bank counts to the same places: walk from its count over the tags that are on their way.
  wire [(Stages+1)*AddrWidth-1:0] counts;
  wire [Stages-1:0]    same;
  assign counts[Stages*AddrWidth+:AddrWidth] = probe_bank_place;
  for (genvar i = 0; i < Stages; i++) begin : gen_walk
    wire [AddrWidth-1:0] count = counts[(i+1)*AddrWidth+:AddrWidth];
    wire [AddrWidth-1:0] next  = probe_tag_end[i] ? '0 : count + 1'b1;
    assign counts[i*AddrWidth+:AddrWidth] = probe_tag_valid[i] ? next : count;
    assign same[i] = probe_tag_valid[i] == there_q[i] &&
                     (!probe_tag_valid[i] || count == places_q[i*AddrWidth+:AddrWidth]);
  end
  `PROVE(PlacesOfBank, !running || (&same && counts[AddrWidth-1:0] == (probe_active ? place : '0)))

  // Why it holds: within a command every tile has the same M, and a vector's place is that of
  // the one M vectors before it.
  logic       next_q;  // a tile has been started and its tag not sent
  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) next_q <= 1'b0;
    else if (probe_load_starts) next_q <= 1'b1;
    else if (probe_swap) next_q <= 1'b0;
  end
  `PROVE(NextIsLoaded, !running || next_q == probe_loaded)
  `PROVE(SameM, !running || !(next_q && !probe_next_first) || probe_next_m == tile_m_q)
  `PROVE(SameMAtHead, !running || probe_k_tile == 24'd1 ||
                      (probe_head_valid && probe_head_m == (next_q ? probe_next_m : tile_m_q)))
  `PROVE(LegalM, !running || ((!probe_head_valid ||
                               (probe_head_m != '0 && probe_head_m <= AccDepth)) &&
                              (!next_q || (probe_next_m != '0 && probe_next_m <= AccDepth))))
  // A tag is sent only for a tile whose load has begun.
  `PROVE(ReadyIsLoaded, !running || !probe_next_ready || probe_loaded)
  `PROVE(LoadingIsLoaded, !running || !probe_first_row || probe_loaded)
  `PROVE(IdleAtRow0, !running || probe_loading || probe_load_row == '0)
`endif

  // A FIFO that is full; a beat that waits through a clear; a second K tile.
  wire [2:0] reach = {running & probe_credits == '0 & held == FifoDepth,
                      running & clear_i & results_tvalid & ~results_tready_i,
                      running & probe_issue & ~probe_tile_first & ~probe_tile_last};
  `REACH(3, reach)

endmodule

`default_nettype wire
