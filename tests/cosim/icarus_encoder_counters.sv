// SPDX-License-Identifier: Apache-2.0
// The encoder's counters at each of their carries, for Icarus Verilog: no simulation counts that
// far. They are put right before the place; what follows must go on as if they had counted.
`default_nettype none
`timescale 1ns / 1ps

module icarus_encoder_counters;

  import szt_registers::*;

  localparam int Lanes = 4, Beats = 5;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic [7:0]  araddr = 8'd0;
  logic        arvalid = 1'b0;
  wire         rvalid;
  wire  [1:0]  rresp;
  wire  [31:0] rdata;
  logic        latents_valid = 1'b0;
  wire         latents_ready;

  // Three NaNs and a number a beat, float32 as after reset.
  szt_encoder_stream #(
    .Lanes (Lanes)
  ) dut (
    .clk_i                 (clk),
    .rst_ni                (rst_n),
    .irq_o                 (),
    .s_axil_awaddr         (8'd0),
    .s_axil_awprot         (3'd0),
    .s_axil_awvalid        (1'b0),
    .s_axil_awready        (),
    .s_axil_wdata          (32'd0),
    .s_axil_wstrb          (4'h0),
    .s_axil_wvalid         (1'b0),
    .s_axil_wready         (),
    .s_axil_bresp          (),
    .s_axil_bvalid         (),
    .s_axil_bready         (1'b1),
    .s_axil_araddr         (araddr),
    .s_axil_arprot         (3'd0),
    .s_axil_arvalid        (arvalid),
    .s_axil_arready        (),
    .s_axil_rdata          (rdata),
    .s_axil_rresp          (rresp),
    .s_axil_rvalid         (rvalid),
    .s_axil_rready         (1'b1),
    .s_axis_latents_tvalid (latents_valid),
    .s_axis_latents_tready (latents_ready),
    .s_axis_latents_tdata  ({32'h7FC0_0000, 32'h3F80_0000, 32'hFF80_0001, 32'h7FFF_FFFF}),
    .s_axis_latents_tkeep  ({4 * Lanes{1'b1}}),
    .s_axis_latents_tlast  (1'b1),
    .m_axis_codes_tvalid   (),
    .m_axis_codes_tready   (1'b1),
    .m_axis_codes_tdata    (),
    .m_axis_codes_tkeep    (),
    .m_axis_codes_tlast    ()
  );

  integer errors = 0, checks = 0;

  task automatic check(input [7:0] addr, input [31:0] expected, input [8*16-1:0] what,
                       input integer bit_number);
    begin
      araddr = addr;
      arvalid = 1'b1;
      @(negedge clk);
      arvalid = 1'b0;
      while (!rvalid) @(negedge clk);
      checks = checks + 1;
      if (rresp !== 2'b00 || rdata !== expected) begin
        $display("FAILED: %0s behind the carry into bit %0d is %h, not %h", what, bit_number,
                 rdata, expected);
        errors = errors + 1;
      end
      @(negedge clk);
    end
  endtask

  integer b, left;
  reg [31:0] value;

  initial begin
    repeat (4) @(negedge clk);
    rst_n = 1'b1;
    @(negedge clk);
    for (b = 3; b <= 32; b = b + 1) begin
      value = (33'd1 << b) - 33'd7;  // b = 32: right before the end
      dut.u_registers.latent_count_q = value;
      dut.u_registers.nan_count_q    = value;
      left = Beats;
      latents_valid = 1'b1;
      while (left != 0) begin
        @(posedge clk);
        if (latents_ready) left = left - 1;
        @(negedge clk);
        if (left == 0) latents_valid = 1'b0;
      end
      repeat (8) @(negedge clk);
      check(EncoderLatentCount, value + Beats * Lanes, "LATENT_COUNT", b);
      check(EncoderNanCount, value + Beats * (Lanes - 1), "NAN_COUNT", b);
    end
    if (errors == 0) $display("PASSED: %0d checks", checks);
    else $display("FAILED: %0d errors", errors);
    $finish;
  end

  initial begin
    #100_000 $display("FAILED: it hangs");
    $finish;
  end

endmodule

`default_nettype wire
