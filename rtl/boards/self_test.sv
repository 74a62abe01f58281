// SPDX-License-Identifier: Apache-2.0
// Self-test of matmul_core in silicon: commands, codes and activations from LFSRs, all results
// folded into a signature, which is compared with that of the C++ model; run after run for ever.
//
// Pattern. Commands as in self_test_walk. Codes: a beat of x^31 + x^3 + 1; activations: a beat of
// x^63 + x^31 + 1 (seeds below). Every run begins with a reset of the core and is the same; in
// every second one all three streams pause at random.
// Signature. From 0, for each result in order (beat by beat, column 0 first) one step of a MISR:
// shifted up by one, x^32 + x^22 + x^2 + x + 1 subtracted, the result added (XOR). A run is good
// if the signature is Expected, every TLAST is in its place, no error output rose, every command
// was reported done and the core is idle at the end. It has hung when no result comes for
// 2^PatienceWidth cycles.
// Report. A line of text (self_test_report) for runs 1 to 3, every 256th, and every bad one.
`default_nettype none
`include "assertions.svh"

module self_test #(
  parameter int          Rows            = 8,     // of matmul_core, as all down to SplitAdd
  parameter int          Cols            = 8,
  parameter int          ActWidth        = 8,
  parameter int          AccWidth        = 32,    // 32
  parameter int          AccDepth        = 256,
  parameter int          FifoDepth       = 32,
  parameter int          ActReach        = 1,
  parameter bit          RegisterOperand = 1'b1,
  parameter bit          SplitAdd        = 1'b1,
  parameter int          Commands        = 64,    // in a run
  parameter logic [31:0] Expected        = '0,    // signature: boards.json
  parameter int          Divisor         = 104    // cycles of a bit of the serial line
) (
  input  wire         clk_i,
  input  wire         rst_ni,  // synchronous, active low
  output wire         busy_o,  // a run is on
  output wire         pass_o,  // a run has ended and none was bad
  output wire         fail_o,  // a run was bad
  output wire         hung_o,  // a run has hung
  output logic [15:0] runs_o,  // ended
  output wire         tx_o     // the reports, 8N1
);

  localparam int MWidth        = $clog2(AccDepth + 1);
  localparam int BeatWidth     = MWidth > 7 ? MWidth : 7;  // holds M and Rows
  localparam int PatienceWidth = MWidth + 7;
  localparam int DoneWidth     = $clog2(Commands + 1);

  `REQUIRE(LegalAccWidth, AccWidth == 32,
           "self_test: AccWidth must be 32")
  `REQUIRE(LegalRows, Rows <= 64 && Cols <= 64,
           "self_test: Rows and Cols must be at most 64")

  logic        run_rst_nq = 1'b0;  // resets all that is of one run; low as the bitstream loads it
  logic [31:0] signature_q;

  // ---- Pauses, which go on from run to run.
  wire [2:0] dice;
  wire [2:0] pause = dice & {3{runs_o[0]}};
  lfsr #(
    .Length (31),
    .Tap    (3),
    .Width  (3),
    .Seed   (31'h03707344)
  ) u_pauses (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (1'b1),
    .data_o (dice)
  );

  // ---- What the ports of the core still have to move: a walk each.
  localparam int Order   = 0;  // commands
  localparam int Codes   = 1;
  localparam int Acts    = 2;
  localparam int Results = 3;

  wire [3:0]             left, step, tile_end, last;
  wire [4*MWidth-1:0]    m;
  wire [4*3-1:0]         k_tiles;
  wire [4*2-1:0]         n_tiles, mode;
  wire [4*BeatWidth-1:0] beats;  // of a tile
  wire [4*4-1:0]         tiles;  // of a command

  for (genvar i = 0; i < 4; i++) begin : gen_walk
    self_test_walk #(
      .AccDepth (AccDepth),
      .Commands (Commands),
      .Width    (BeatWidth)
    ) u_walk (
      .clk_i      (clk_i),
      .rst_ni     (run_rst_nq),
      .step_i     (step[i]),
      .beats_i    (beats[BeatWidth*i+:BeatWidth]),
      .tiles_i    (tiles[4*i+:4]),
      .valid_o    (left[i]),
      .m_o        (m[MWidth*i+:MWidth]),
      .k_tiles_o  (k_tiles[3*i+:3]),
      .n_tiles_o  (n_tiles[2*i+:2]),
      .mode_o     (mode[2*i+:2]),
      .tile_end_o (tile_end[i]),
      .end_o      (last[i])
    );

    wire [3:0] k = {1'b0, k_tiles[3*i+:3]};
    assign beats[BeatWidth*i+:BeatWidth] = i == Order ? BeatWidth'(1) :
                                           i == Codes ? BeatWidth'(Rows) :
                                           BeatWidth'(m[MWidth*i+:MWidth]);
    assign tiles[4*i+:4] = i == Order ? 4'd1 : i == Results ? {2'd0, n_tiles[2*i+:2]} :
                           n_tiles[2*i+1] ? k << 1 : k;
  end

  // Codes and activations: a beat that is offered stays offered.
  wire       command_ready, codes_ready, acts_ready;
  logic      codes_go_q, acts_go_q;
  wire       codes_valid = left[Codes] & codes_go_q;
  wire       acts_valid  = left[Acts] & acts_go_q;
  assign step[Order] = left[Order] & command_ready;
  assign step[Codes] = codes_valid & codes_ready;
  assign step[Acts]  = acts_valid & acts_ready;
  always_ff @(posedge clk_i) begin
    if (!run_rst_nq) begin
      codes_go_q <= 1'b0;
      acts_go_q  <= 1'b0;
    end else begin
      if (!codes_go_q || step[Codes]) codes_go_q <= ~pause[0];
      if (!acts_go_q || step[Acts]) acts_go_q <= ~pause[1];
    end
  end

  wire result_valid, result_last;
  wire result_ready = run_rst_nq & ~pause[2];
  wire result_accepted = result_valid & result_ready;
  assign step[Results] = result_accepted & left[Results];

  // ---- The core. Seeds here and in self_test_walk: hexadecimal digits of pi.
  wire [2:0]               order_k = k_tiles[3*Order+:3];
  wire [1:0]               order_n = n_tiles[2*Order+:2];
  wire [2*Cols-1:0]        codes;
  wire [Rows*ActWidth-1:0] activations;
  wire [Cols*AccWidth-1:0] result;
  wire                     done, core_busy, codes_last_error, activations_last_error;
  wire [7:0]               unused_core;
  wire                     unused_ended;
  wire [5:0]               unused_modes = mode[7:2];
  lfsr #(
    .Length (31),
    .Tap    (3),
    .Width  (2 * Cols),
    .Seed   (31'h243F6A88)
  ) u_code_beats (
    .clk_i  (clk_i),
    .rst_ni (run_rst_nq),
    .step_i (step[Codes]),
    .data_o (codes)
  );

  lfsr #(
    .Length (63),
    .Tap    (31),
    .Width  (Rows * ActWidth),
    .Seed   (63'h243F6A88_85A308D3)
  ) u_activation_beats (
    .clk_i  (clk_i),
    .rst_ni (run_rst_nq),
    .step_i (step[Acts]),
    .data_o (activations)
  );

  matmul_core #(
    .Rows            (Rows),
    .Cols            (Cols),
    .ActWidth        (ActWidth),
    .AccWidth        (AccWidth),
    .AccDepth        (AccDepth),
    .FifoDepth       (FifoDepth),
    .ActReach        (ActReach),
    .RegisterOperand (RegisterOperand),
    .SplitAdd        (SplitAdd)
  ) u_core (
    .clk_i                     (clk_i),
    .rst_ni                    (run_rst_nq),
    .clear_i                   (1'b0),
    .cmd_valid_i               (left[Order]),
    .cmd_ready_o               (command_ready),
    .cmd_m_i                   (m[MWidth*Order+:MWidth]),
    .cmd_k_tiles_i             (24'(order_k)),
    .cmd_n_tiles_i             (24'(order_n)),
    .cmd_single_i              (order_k == 3'd1 && order_n == 2'd1),
    .cmd_mode_i                (mode[2*Order+:2]),
    .s_axis_codes_tvalid       (codes_valid),
    .s_axis_codes_tready       (codes_ready),
    .s_axis_codes_tdata        (codes),
    .s_axis_codes_tlast        (last[Codes]),
    .s_axis_activations_tvalid (acts_valid),
    .s_axis_activations_tready (acts_ready),
    .s_axis_activations_tdata  (activations),
    .s_axis_activations_tlast  (last[Acts]),
    .m_axis_results_tvalid     (result_valid),
    .m_axis_results_tready     (result_ready),
    .m_axis_results_tdata      (result),
    .m_axis_results_tlast      (result_last),
    .busy_o                    (core_busy),
    .waiting_o                 (unused_core[0]),
    .result_held_o             (unused_core[1]),
    .codes_owed_o              (unused_core[3:2]),
    .activations_owed_o        (unused_core[6:4]),
    .codes_ended_o             (unused_core[7]),
    .activations_ended_o       (unused_ended),
    .done_o                    (done),
    .codes_last_error_o        (codes_last_error),
    .activations_last_error_o  (activations_last_error)
  );

  // ---- A run: reset, commands, what the core still does behind its last result, report.
  localparam logic [1:0] StateReset  = 2'd0;
  localparam logic [1:0] StateRun    = 2'd1;
  localparam logic [1:0] StateSettle = 2'd2;
  localparam logic [1:0] StateReport = 2'd3;

  logic [1:0]               state_q;
  logic [PatienceWidth-1:0] timer_q;  // cycles of this state, or since the last result
  logic                     bad_q, pass_q, fail_q, hung_q, report_q;
  logic [DoneWidth-1:0]     done_q;
  wire                      reporting;

  wire wrong   = codes_last_error | activations_last_error |
                 (result_accepted & (~left[Results] | result_last != tile_end[Results]));
  wire settled = state_q == StateSettle & (&timer_q[3:0]);
  wire bad     = bad_q | left[Results] | core_busy | (signature_q != Expected) |
                 (done_q != DoneWidth'(Commands));

  always_ff @(posedge clk_i) begin
    report_q <= 1'b0;
    if (!rst_ni) begin
      state_q    <= StateReset;
      timer_q    <= '0;
      run_rst_nq <= 1'b0;
      pass_q     <= 1'b0;
      fail_q     <= 1'b0;
      hung_q     <= 1'b0;
      runs_o     <= '0;
    end else begin
      timer_q <= timer_q + 1'b1;
      case (state_q)
        StateReset:
          if (&timer_q[3:0]) begin
            state_q    <= StateRun;
            run_rst_nq <= 1'b1;
            timer_q    <= '0;
          end
        StateRun:
          if (result_accepted) begin
            timer_q <= '0;
          end else if (!left[Results] || &timer_q) begin
            state_q <= StateSettle;
            timer_q <= '0;
            hung_q  <= hung_q | left[Results];
          end
        StateSettle:
          if (settled) begin
            state_q <= StateReport;
            pass_q  <= ~(fail_q | bad);
            fail_q  <= fail_q | bad;
            runs_o  <= runs_o + 1'b1;
          end
        default: begin  // StateReport; in its first cycle bad_q is still of this run
          run_rst_nq <= 1'b0;
          report_q   <= run_rst_nq & (bad_q | runs_o < 16'd4 | runs_o[7:0] == '0);
          if (!run_rst_nq && !report_q && !reporting) begin
            state_q <= StateReset;
            timer_q <= '0;
          end
        end
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (!run_rst_nq) begin
      bad_q  <= 1'b0;
      done_q <= '0;
    end else begin
      bad_q <= bad_q | wrong | (settled & bad);
      if (done) done_q <= done_q + 1'b1;
    end
  end

  // ---- The signature.
  function automatic logic [31:0] fold(input logic [31:0] signature,
                                       input logic [Cols*AccWidth-1:0] beat);
    fold = signature;
    for (int c = 0; c < Cols; c++) begin
      fold = {fold[30:0], 1'b0} ^ (fold[31] ? 32'h0040_0007 : 32'd0) ^ beat[AccWidth*c+:32];
    end
  endfunction

  always_ff @(posedge clk_i) begin
    if (state_q == StateReset) signature_q <= '0;
    else if (result_accepted) signature_q <= fold(signature_q, result);
  end

  self_test_report #(
    .Rows     (Rows),
    .Cols     (Cols),
    .Expected (Expected),
    .Divisor  (Divisor)
  ) u_report (
    .clk_i       (clk_i),
    .rst_ni      (rst_ni),
    .start_i     (report_q),
    .busy_o      (reporting),
    .runs_i      (runs_o),
    .signature_i (signature_q),
    .pass_i      (pass_q),
    .hung_i      (hung_q),
    .tx_o        (tx_o)
  );

  assign busy_o = state_q == StateRun;
  assign pass_o = pass_q;
  assign fail_o = fail_q;
  assign hung_o = hung_q;

endmodule

`default_nettype wire
