// SPDX-License-Identifier: Apache-2.0
// Four-state smoke test of matmul_core for Icarus Verilog: a few random commands under gaps and
// back-pressure, results against sums kept here, and no X on any output after reset. Data registers
// have no reset, so this also shows that none of their start values gets out.
`default_nettype none
`timescale 1ns / 1ps

module icarus_smoke;

  localparam int Rows = 4, Cols = 5, AccDepth = 8, FifoDepth = 16;
  localparam int Commands = 20;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic        cmd_valid = 1'b0;
  wire         cmd_ready;
  logic [3:0]  cmd_m;
  logic [23:0] cmd_k_tiles, cmd_n_tiles;
  logic [1:0]  cmd_mode;
  logic              codes_valid = 1'b0, codes_last;
  wire               codes_ready;
  logic [2*Cols-1:0] codes_data;
  logic              acts_valid = 1'b0, acts_last;
  wire               acts_ready;
  logic [8*Rows-1:0] acts_data;
  wire               results_valid, results_last;
  logic              results_ready = 1'b0;
  wire [32*Cols-1:0] results_data;
  wire busy, done, codes_error, acts_error;

  matmul_core #(
    .Rows      (Rows),
    .Cols      (Cols),
    .AccDepth  (AccDepth),
    .FifoDepth (FifoDepth)
  ) dut (
    .clk_i                     (clk),
    .rst_ni                    (rst_n),
    .cmd_valid_i               (cmd_valid),
    .cmd_ready_o               (cmd_ready),
    .cmd_m_i                   (cmd_m),
    .cmd_k_tiles_i             (cmd_k_tiles),
    .cmd_n_tiles_i             (cmd_n_tiles),
    .cmd_mode_i                (cmd_mode),
    .s_axis_codes_tvalid       (codes_valid),
    .s_axis_codes_tready       (codes_ready),
    .s_axis_codes_tdata        (codes_data),
    .s_axis_codes_tlast        (codes_last),
    .s_axis_activations_tvalid (acts_valid),
    .s_axis_activations_tready (acts_ready),
    .s_axis_activations_tdata  (acts_data),
    .s_axis_activations_tlast  (acts_last),
    .m_axis_results_tvalid     (results_valid),
    .m_axis_results_tready     (results_ready),
    .m_axis_results_tdata      (results_data),
    .m_axis_results_tlast      (results_last),
    .busy_o                    (busy),
    .done_o                    (done),
    .codes_last_error_o        (codes_error),
    .activations_last_error_o  (acts_error)
  );

  // The work: made as it is sent; the sums wait here for their results.
  integer seed = 7;
  integer m = 0, k_tiles = 0, n_tiles = 0, mode = 0;
  integer code_beats, act_beats, sent_codes, sent_acts, got, command, errors = 0, compared = 0;
  reg [1:0]  weights [0:4*3*2*Cols-1];  // [beat][column] of the command
  reg [7:0]  acts [0:AccDepth*3*2*Rows-1];
  integer    sums [0:AccDepth*2*Cols-1];
  integer    i, j, t, r, c, resets = 0;

  function automatic integer plane(input [1:0] code, input integer which);
    begin
      case (which)
        0: plane = code[0] ? (code[1] ? -1 : 1) : 0;
        1: plane = code[0] ? 0 : (code[1] ? -1 : 1);
        default: plane = code[1] ? -1 : 1;
      endcase
    end
  endfunction

  task automatic make_command;
    begin
      m = 1 + ({$random(seed)} % AccDepth);
      k_tiles = 1 + ({$random(seed)} % 3);
      n_tiles = 1 + ({$random(seed)} % 2);
      mode = {$random(seed)} % 3;
      code_beats = Rows * k_tiles * n_tiles;
      act_beats = m * k_tiles * n_tiles;
      for (i = 0; i < code_beats * Cols; i = i + 1) weights[i] = $random(seed);
      for (i = 0; i < act_beats * Rows; i = i + 1) acts[i] = $random(seed);
      for (i = 0; i < m * n_tiles * Cols; i = i + 1) sums[i] = 0;
      for (t = 0; t < k_tiles * n_tiles; t = t + 1)
        for (j = 0; j < m; j = j + 1)
          for (r = 0; r < Rows; r = r + 1)
            for (c = 0; c < Cols; c = c + 1)
              sums[((t / k_tiles) * m + j) * Cols + c] =
                  sums[((t / k_tiles) * m + j) * Cols + c] +
                  $signed(acts[(t * m + j) * Rows + r]) *
                  plane(weights[(t * Rows + r) * Cols + c], mode);
    end
  endtask

  task automatic check(input condition, input [8*40-1:0] what);
    if (condition !== 1'b1) begin
      $display("FAILED at %0t, command %0d: %0s", $time, command, what);
      errors = errors + 1;
    end
  endtask

  // Outputs are sampled and inputs change between clock edges.
  initial begin
    repeat (4) @(negedge clk);
    check((cmd_ready | codes_ready | acts_ready | results_valid | busy) === 1'b0, "quiet in reset");
    rst_n = 1'b1;
    for (command = 0; command < Commands; command = command + 1) begin
      make_command;
      cmd_m = m;
      cmd_k_tiles = k_tiles;
      cmd_n_tiles = n_tiles;
      cmd_mode = mode;
      cmd_valid = 1'b1;
      sent_codes = 0;
      sent_acts = 0;
      got = 0;
      i = 0;
      while (got < m * n_tiles && i < 20000) begin
        i = i + 1;
        if (!codes_valid && sent_codes < code_beats && {$random(seed)} % 3 != 0) begin
          codes_valid = 1'b1;
          codes_last = sent_codes == code_beats - 1;
          for (c = 0; c < Cols; c = c + 1) codes_data[2*c+:2] = weights[sent_codes*Cols+c];
        end
        if (!acts_valid && sent_acts < act_beats && {$random(seed)} % 3 != 0) begin
          acts_valid = 1'b1;
          acts_last = sent_acts == act_beats - 1;
          for (r = 0; r < Rows; r = r + 1) acts_data[8*r+:8] = acts[sent_acts*Rows+r];
        end
        results_ready = {$random(seed)} % 2;
        check(^{cmd_ready, codes_ready, acts_ready, results_valid, busy, done, codes_error,
                acts_error} !== 1'bx, "an X on a control output");
        check({codes_error, acts_error} === 2'b00, "TLAST reported as misplaced");
        if (results_valid && results_ready) begin
          check(results_last === (got % m == m - 1), "results TLAST");
          for (c = 0; c < Cols; c = c + 1) begin
            check(results_data[32*c+:32] === sums[got*Cols+c], "a result");
            compared = compared + 1;
          end
          got = got + 1;
        end
        // What the coming edge accepts.
        t = {cmd_valid & cmd_ready, codes_valid & codes_ready, acts_valid & acts_ready};
        @(negedge clk);
        // A reset in the middle of every fifth command drops all; the command is then run again.
        if (command % 5 == 4 && i == 12 + command && resets < command / 5 + 1) begin
          resets = resets + 1;
          rst_n = 1'b0;
          cmd_valid = 1'b0;
          codes_valid = 1'b0;
          acts_valid = 1'b0;
          @(negedge clk);
          check((cmd_ready | codes_ready | acts_ready | results_valid | busy | done) === 1'b0,
                "quiet in a reset in the middle");
          rst_n = 1'b1;
          cmd_valid = 1'b1;
          sent_codes = 0;
          sent_acts = 0;
          got = 0;
          t = 0;
        end
        if (t[2]) cmd_valid = 1'b0;
        if (t[1]) begin
          codes_valid = 1'b0;
          codes_data = 'x;
          codes_last = 1'bx;
          sent_codes = sent_codes + 1;
        end
        if (t[0]) begin
          acts_valid = 1'b0;
          acts_data = 'x;
          acts_last = 1'bx;
          sent_acts = sent_acts + 1;
        end
      end
      check(got == m * n_tiles, "all results before the watchdog");
      check(done === 1'b1, "done after the last result");
      check(busy === 1'b0, "idle after the last result");
    end
    check(compared > 500 && resets >= 2, "enough results compared and resets done");
    if (errors == 0) $display("PASSED: %0d results of %0d commands", compared, Commands);
    else $display("FAILED: %0d errors", errors);
    $finish;
  end

endmodule

`default_nettype wire
