// SPDX-License-Identifier: Apache-2.0
// Four-state smoke test of szt_matmul for Icarus Verilog: random commands through the registers
// under gaps and back-pressure, results against sums kept here, hardware and soft resets in the
// middle, and no X on any output after reset. Data registers have no reset, so this also shows that
// none of their start values gets out; tests/reset shows that a missing reset is found.
`default_nettype none
`timescale 1ns / 1ps

module icarus_smoke #(
  parameter int ActWidth = 8,
  parameter int AccWidth = 32,
  parameter int Stages = 0  // 1: the optional pipeline stages too
);

  import szt_registers::*;

  localparam int Rows = 4, Cols = 5, AccDepth = 8, FifoDepth = 16;
  localparam int ActBits = Rows * ActWidth, ActBytes = (ActBits + 7) / 8;
  localparam int SumBits = Cols * AccWidth, SumBytes = (SumBits + 7) / 8;
  localparam int Jobs = 50;     // of one to three commands each
  localparam int Ring = 512;    // beats kept of a stream: more than a few jobs have
  localparam int Watchdog = 5000;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  wire         irq;
  logic [7:0]  awaddr, araddr;
  logic        awvalid = 1'b0, wvalid = 1'b0, bready = 1'b0, arvalid = 1'b0, rready = 1'b0;
  wire         awready, wready, bvalid, arready, rvalid;
  logic [31:0] wdata;
  logic [3:0]  wstrb;
  wire [1:0]   bresp, rresp;
  wire [31:0]  rdata;
  logic        codes_valid = 1'b0, codes_last;
  wire         codes_ready;
  logic [15:0] codes_data;  // 10 bits of codes, 6 ignored
  logic        acts_valid = 1'b0, acts_last;
  wire         acts_ready;
  logic [8*ActBytes-1:0] acts_data;
  wire         results_valid, results_last;
  logic        results_ready = 1'b0;
  wire [8*SumBytes-1:0] results_data;
  wire [SumBytes-1:0]   results_keep;

  szt_matmul #(
    .Rows      (Rows),
    .Cols      (Cols),
    .ActWidth  (ActWidth),
    .AccWidth  (AccWidth),
    .AccDepth  (AccDepth),
    .FifoDepth (FifoDepth),
    .RegisterOperand (Stages != 0),
    .SplitAdd  (Stages != 0)
  ) dut (
    .clk_i                     (clk),
    .rst_ni                    (rst_n),
    .irq_o                     (irq),
    .s_axil_awaddr             (awaddr),
    .s_axil_awprot             (3'd0),
    .s_axil_awvalid            (awvalid),
    .s_axil_awready            (awready),
    .s_axil_wdata              (wdata),
    .s_axil_wstrb              (wstrb),
    .s_axil_wvalid             (wvalid),
    .s_axil_wready             (wready),
    .s_axil_bresp              (bresp),
    .s_axil_bvalid             (bvalid),
    .s_axil_bready             (bready),
    .s_axil_araddr             (araddr),
    .s_axil_arprot             (3'd0),
    .s_axil_arvalid            (arvalid),
    .s_axil_arready            (arready),
    .s_axil_rdata              (rdata),
    .s_axil_rresp              (rresp),
    .s_axil_rvalid             (rvalid),
    .s_axil_rready             (rready),
    .s_axis_codes_tvalid       (codes_valid),
    .s_axis_codes_tready       (codes_ready),
    .s_axis_codes_tdata        (codes_data),
    .s_axis_codes_tkeep        (2'b11),
    .s_axis_codes_tlast        (codes_last),
    .s_axis_activations_tvalid (acts_valid),
    .s_axis_activations_tready (acts_ready),
    .s_axis_activations_tdata  (acts_data),
    .s_axis_activations_tkeep  ({ActBytes{1'b1}}),
    .s_axis_activations_tlast  (acts_last),
    .m_axis_results_tvalid     (results_valid),
    .m_axis_results_tready     (results_ready),
    .m_axis_results_tdata      (results_data),
    .m_axis_results_tkeep      (results_keep),
    .m_axis_results_tlast      (results_last)
  );

  integer seed = 7;
  integer errors = 0, compared = 0, commands = 0, job = 0;
  integer resets = 0, dropped = 0, kept = 0, flushed = 0;

  function automatic integer below(input integer limit);
    below = ($unsigned($random(seed)) >> 8) % limit;
  endfunction

  task automatic check(input condition, input [8*40-1:0] what);
    if (condition !== 1'b1) begin
      $display("FAILED at %0t, job %0d: %0s", $time, job, what);
      errors = errors + 1;
    end
  endtask

  // ---- Beats to send and to come: rings, written by commands, read as the beats are accepted.
  reg [2*Cols-1:0]  code_ring [0:Ring-1];
  reg               code_end [0:Ring-1];
  reg [ActBits-1:0] act_ring [0:Ring-1];
  reg               act_end [0:Ring-1];
  reg [SumBits-1:0] sum_ring [0:Ring-1];
  reg               sum_last [0:Ring-1];  // of its N tile
  reg               sum_end [0:Ring-1];   // of its command
  integer code_in, code_out, act_in, act_out, sum_in, sum_out;

  function automatic integer plane(input [1:0] code, input integer which);
    case (which)
      0: plane = code[0] ? (code[1] ? -1 : 1) : 0;
      1: plane = code[0] ? 0 : (code[1] ? -1 : 1);
      default: plane = code[1] ? -1 : 1;
    endcase
  endfunction

  integer m, k_tiles, n_tiles, mode;
  reg [2*Cols-1:0] tile [0:Rows-1];
  integer sums [0:AccDepth*Cols-1];
  integer i, j, r, c, tile_k, tile_n;

  task automatic make_command;
    begin
      commands = commands + 1;
      m = 1 + below(AccDepth);
      k_tiles = 1 + below(3);
      n_tiles = 1 + below(2);
      mode = below(3);
      for (tile_n = 0; tile_n < n_tiles; tile_n = tile_n + 1) begin
        for (i = 0; i < m * Cols; i = i + 1) sums[i] = 0;
        for (tile_k = 0; tile_k < k_tiles; tile_k = tile_k + 1) begin
          for (r = 0; r < Rows; r = r + 1) begin
            tile[r] = $random(seed);
            code_ring[code_in % Ring] = tile[r];
            code_end[code_in % Ring] =
                tile_n == n_tiles - 1 && tile_k == k_tiles - 1 && r == Rows - 1;
            code_in = code_in + 1;
          end
          for (j = 0; j < m; j = j + 1) begin
            act_ring[act_in % Ring] = {$random(seed), $random(seed)};
            act_end[act_in % Ring] = tile_n == n_tiles - 1 && tile_k == k_tiles - 1 && j == m - 1;
            for (r = 0; r < Rows; r = r + 1)
              for (c = 0; c < Cols; c = c + 1)
                sums[j*Cols+c] = sums[j*Cols+c] + plane(tile[r][2*c+:2], mode) *
                                 $signed(act_ring[act_in%Ring][ActWidth*r+:ActWidth]);
            act_in = act_in + 1;
          end
        end
        for (j = 0; j < m; j = j + 1) begin
          for (c = 0; c < Cols; c = c + 1)
            sum_ring[sum_in%Ring][AccWidth*c+:AccWidth] = sums[j*Cols+c];
          sum_last[sum_in%Ring] = j == m - 1;
          sum_end[sum_in%Ring] = tile_n == n_tiles - 1 && j == m - 1;
          sum_in = sum_in + 1;
        end
      end
    end
  endtask

  // ---- The edge: what is there before it is what it acts on.
  reg aw_due = 1'b0, w_due = 1'b0, ar_due = 1'b0;  // to be offered
  reg b_due = 1'b0, r_due = 1'b0;
  reg aw_taken = 1'b0, w_taken = 1'b0, ar_taken = 1'b0, code_taken = 1'b0, act_taken = 1'b0;
  reg soft_reset_due = 1'b0;  // the next write response is that of a soft reset
  reg held = 1'b0;            // a result beat from before the soft reset is still to be taken
  reg done = 1'b0;            // STATUS.DONE is or will be set
  reg irq_on = 1'b0;          // it may rise
  integer done_count = 0;
  reg [1:0]  got_bresp, got_rresp;
  reg [31:0] got_rdata;

  always @(posedge clk) if (rst_n) begin
    check(^{irq, awready, wready, bvalid, arready, rvalid, codes_ready, acts_ready,
            results_valid} !== 1'bx, "an X on a control output");
    if (bvalid) check(^bresp !== 1'bx, "an X in a write response");
    if (rvalid) check(^{rresp, rdata} !== 1'bx, "an X in read data");
    if (results_valid) begin
      check(^{results_data, results_last} !== 1'bx, "an X in a result");
      check(&results_keep, "results TKEEP");
    end
    if (!irq_on) check(!irq, "irq without leave");

    aw_taken = aw_taken | (awvalid & awready);
    w_taken = w_taken | (wvalid & wready);
    ar_taken = ar_taken | (arvalid & arready);
    if (bvalid && bready) begin
      check(b_due, "a write response too many");
      b_due = 1'b0;
      got_bresp = bresp;
    end
    if (rvalid && rready) begin
      check(r_due, "read data from nowhere");
      r_due = 1'b0;
      got_rresp = rresp;
      got_rdata = rdata;
    end
    if (codes_valid && codes_ready) begin
      code_taken = 1'b1;
      code_out = code_out + 1;
    end
    if (acts_valid && acts_ready) begin
      act_taken = 1'b1;
      act_out = act_out + 1;
    end
    if (results_valid) begin
      check(sum_out < sum_in, "a result from nowhere");
      check(results_last === sum_last[sum_out%Ring], "results TLAST");
      check(results_data === sum_ring[sum_out%Ring], "a result");
    end
    if (results_valid && results_ready) begin
      compared = compared + Cols;
      if (sum_end[sum_out%Ring] && !held) begin
        done = 1'b1;
        done_count = done_count + 1;
      end
      held = 1'b0;
      sum_out = sum_out + 1;
    end
    // The cycle of the response is the one in which everything is dropped: what is offered stays.
    if (soft_reset_due && bvalid) begin
      soft_reset_due = 1'b0;
      held = results_valid & ~results_ready;
      if (held) kept = kept + 1;
      if (sum_out + held < sum_in) dropped = dropped + 1;
      sum_in = sum_out + held;
    end
  end

  // ---- What the next edge is given.
  reg quiet = 1'b1;         // in reset, or the first edge out of it
  reg hold_results = 1'b0;
  reg [7:0]  write_addr, read_addr;
  reg [31:0] write_data;
  integer pace = 1;         // of the streams in this job: 0 full rate, 1 some gaps, 2 many

  function automatic integer goes(input integer dummy);
    goes = pace == 0 || (pace == 1 ? below(3) != 0 : below(6) == 0);
  endfunction

  always @(negedge clk) begin
    if (aw_taken) begin awvalid = 1'b0; awaddr = 'x; aw_taken = 1'b0; end
    if (w_taken) begin wvalid = 1'b0; wdata = 'x; wstrb = 'x; w_taken = 1'b0; end
    if (ar_taken) begin arvalid = 1'b0; araddr = 'x; ar_taken = 1'b0; end
    if (code_taken) begin
      codes_valid = 1'b0; codes_data = 'x; codes_last = 1'bx; code_taken = 1'b0;
    end
    if (act_taken) begin
      acts_valid = 1'b0; acts_data = 'x; acts_last = 1'bx; act_taken = 1'b0;
    end
    if (!rst_n || quiet) begin
      quiet = !rst_n;
    end else begin
      if (aw_due && below(3) == 0) begin
        aw_due = 1'b0;
        awvalid = 1'b1;
        awaddr = write_addr | below(4);
      end
      if (w_due && below(3) == 0) begin
        w_due = 1'b0;
        wvalid = 1'b1;
        wdata = write_data;
        wstrb = 4'hF;
      end
      if (ar_due && below(3) == 0) begin
        ar_due = 1'b0;
        arvalid = 1'b1;
        araddr = read_addr | below(4);
      end
      if (!codes_valid && code_out < code_in && goes(0)) begin
        codes_valid = 1'b1;
        codes_data[2*Cols-1:0] = code_ring[code_out%Ring];
        codes_last = code_end[code_out%Ring];
      end
      if (!acts_valid && act_out < act_in && goes(0)) begin
        acts_valid = 1'b1;
        acts_data[ActBits-1:0] = act_ring[act_out%Ring];
        acts_last = act_end[act_out%Ring];
      end
    end
    bready = below(2);
    rready = below(2);
    results_ready = !hold_results && (pace == 0 || below(2));
  end

  task automatic write(input [7:0] addr, input [31:0] data);
    begin
      write_addr = addr;
      write_data = data;
      aw_due = 1'b1;
      w_due = 1'b1;
      b_due = 1'b1;
      i = 0;
      while (b_due && i < Watchdog) begin
        @(negedge clk);
        i = i + 1;
      end
      check(!b_due, "a write is answered");
      check(got_bresp === 2'b00, "a write is answered OKAY");
    end
  endtask

  task automatic read(input [7:0] addr, input [31:0] expected, input [8*40-1:0] what);
    begin
      read_addr = addr;
      ar_due = 1'b1;
      r_due = 1'b1;
      i = 0;
      while (r_due && i < Watchdog) begin
        @(negedge clk);
        i = i + 1;
      end
      check(!r_due, "a read is answered");
      check(got_rresp === 2'b00 && got_rdata === expected, what);
      if (got_rdata !== expected) $display("  read %h, expected %h", got_rdata, expected);
    end
  endtask

  task automatic reset(input integer cycles);
    begin
      rst_n = 1'b0;
      {awvalid, wvalid, arvalid, codes_valid, acts_valid} = 5'd0;
      {aw_due, w_due, ar_due, b_due, r_due} = 5'd0;
      {aw_taken, w_taken, ar_taken, code_taken, act_taken} = 5'd0;
      {code_in, code_out, act_in, act_out, sum_in, sum_out} = 0;
      {soft_reset_due, held, done, irq_on, hold_results} = 5'd0;
      done_count = 0;
      repeat (cycles) @(negedge clk);
      check((irq | awready | wready | bvalid | arready | rvalid | codes_ready | acts_ready |
             results_valid) === 1'b0, "quiet in reset");
      rst_n = 1'b1;
      @(negedge clk);
    end
  endtask

  task automatic check_reset_values;
    begin
      read(MatmulControl, 32'd0, "CONTROL after a reset");
      read(MatmulStatus, 32'd0, "STATUS after a reset");
      read(MatmulIrqMask, MatmulIrqMaskReset, "IRQ_MASK after a reset");
      read(MatmulM, 32'd0, "M after a reset");
      read(MatmulKTiles, 32'd0, "K_TILES after a reset");
      read(MatmulNTiles, 32'd0, "N_TILES after a reset");
      read(MatmulMode, 32'd0, "MODE after a reset");
      read(MatmulDoneCount, 32'd0, "DONE_COUNT after a reset");
      // Before CYCLES, which loads it.
      read(MatmulCyclesHigh, 32'd0, "CYCLES_HIGH after a reset");
      read(MatmulCycles, 32'd0, "CYCLES after a reset");
      read(MatmulCodesStalls, 32'd0, "CODES_STALLS after a reset");
      read(MatmulActivationsStalls, 32'd0, "ACTIVATIONS_STALLS after a reset");
      read(MatmulResultsStalls, 32'd0, "RESULTS_STALLS after a reset");
    end
  endtask

  // Everything that was started is done or dropped, and the block says so.
  task automatic finish_job;
    begin
      i = 0;
      while ((sum_out < sum_in || code_out < code_in || act_out < act_in) && i < Watchdog) begin
        @(negedge clk);
        i = i + 1;
      end
      check(i < Watchdog, "all beats before the watchdog");
      repeat (4) @(negedge clk);
      check(irq === (irq_on & done), "irq after the last result");
      read(MatmulStatus, {31'd0, done} << MatmulStatusDone, "STATUS after the last result");
      read(MatmulDoneCount, done_count, "DONE_COUNT");
      done = 1'b0;
      write(MatmulStatus, MatmulStatusSticky);
      repeat (2) @(negedge clk);
      check(!irq, "irq falls");
      read(MatmulStatus, 32'd0, "STATUS acknowledged");
    end
  endtask

  // What was dropped is sent to its end, or cut short and flushed away.
  task automatic recover;
    begin
      if (below(2) == 0) begin
        if (code_out < code_in || act_out < act_in) flushed = flushed + 1;
        // The beat that is offered has to stay; it is discarded.
        code_in = code_out + (codes_valid & ~code_taken);
        act_in = act_out + (acts_valid & ~act_taken);
        i = 0;
        while ((code_out < code_in || act_out < act_in) && i < Watchdog) begin
          @(negedge clk);
          i = i + 1;
        end
        check(i < Watchdog, "beats are discarded");
        write(MatmulControl, 32'd1 << MatmulControlFlush);
        if (hold_results)
          read(MatmulStatus, {31'd0, held} << MatmulStatusResultHeld
                             | {31'd0, done} << MatmulStatusDone, "STATUS after a flush");
      end
      hold_results = 1'b0;
    end
  endtask

  integer started, queued;
  initial begin
    reset(4);
    read(MatmulId, MatmulIdValue, "ID");
    read(MatmulConfig, Rows << MatmulConfigRows | Cols << MatmulConfigCols |
                       32'd1 << MatmulConfigFormat | 32'd1 << MatmulConfigBackward |
                       ActWidth << MatmulConfigActWidth | AccWidth << MatmulConfigAccWidth,
                       "CONFIG");
    read(MatmulAccDepth, AccDepth, "ACC_DEPTH");
    check_reset_values;
    for (job = 0; job < Jobs; job = job + 1) begin
      pace = below(3);
      queued = 1 + below(3);
      for (started = 0; started < queued; started = started + 1) begin
        make_command;
        write(MatmulM, m);
        write(MatmulKTiles, k_tiles);
        write(MatmulNTiles, n_tiles);
        write(MatmulMode, mode);
        if (job % 2 == 0) irq_on = 1'b1;
        write(MatmulControl, {31'd0, irq_on} << MatmulControlIrqEnable
                             | 32'd1 << MatmulControlStart);
      end
      if (job % 10 == 9) begin
        repeat (below(80)) @(negedge clk);
        resets = resets + 1;
        reset(1 + below(3));
        check_reset_values;
      end else if (job % 5 >= 2 || job % 20 == 10) begin  // also the first after a reset
        hold_results = below(2);
        repeat (below(60)) @(negedge clk);
        soft_reset_due = 1'b1;
        irq_on = 1'b1;  // until the write is through
        write(MatmulControl, 32'd1 << MatmulControlSoftReset);
        irq_on = 1'b0;
        recover;
        // Sometimes the next commands follow at once, behind beats that are still discarded.
        if (below(2) == 0) finish_job;
      end else begin
        finish_job;
        if (job % 2 == 0) begin
          write(MatmulControl, 32'd0);
          irq_on = 1'b0;
        end
      end
    end
    finish_job;
    check(compared > 1500 && commands >= 40, "enough results compared");
    check(resets >= 4 && dropped >= 10 && kept >= 3 && flushed >= 3, "enough resets done");
    if (errors == 0)
      $display("PASSED: %0d results of %0d commands, %0d resets, %0d soft resets in the middle",
               compared, commands, resets, dropped);
    else $display("FAILED: %0d errors", errors);
    $finish;
  end

endmodule

`default_nettype wire
