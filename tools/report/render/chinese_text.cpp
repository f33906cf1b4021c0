// Chinese texts of report.md, the pictures and the notes, simplified; those of the page are in chinese.cpp.
#include <metron/tools/report/render/chinese_text.h>

namespace metron::report {

const Language::Table& chinese_text() {
  static const Language::Table table{
      {"Operators of a convolutional network on MNIST", "MNIST 卷积神经网络的算子"},
      {"{0}, measured on {1}, {2}.", "{0}，测量于 {1}，{2}。"},
      {"The lab is the experiment that this report reproduces: train a CNN on MNIST, profile one forward "
       "pass, and rank its operators at batch sizes 1, 16 and 64. The reference is its result on a GeForce "
       "RTX 2070 SUPER with PyTorch 1.6.0.",
       "“实验”指本报告重现的实验：在 MNIST 上训练一个卷积神经网络，剖析一次前向传播，并在批大小 1、16 和 64 "
       "下给算子排名。“参考”是它在 GeForce RTX 2070 SUPER 和 PyTorch 1.6.0 上的结果。"},
      {"Not reached.", "未执行到这一步。"},
      {"Not measured.", "未测量。"},
      {"what", "项目"},
      {"value", "值"},
      {"{0} ({1} hardware threads, {2} usable)", "{0}（{1} 个硬件线程，{2} 个可用）"},
      {"{0}, {1}, compute capability {2}", "{0}，{1}，计算能力 {2}"},
      {"system", "操作系统"},
      {"not in this build", "本次构建中没有"},
      {"{0}, commit {1}", "{0}，提交 {1}"},
      {"device measured", "被测设备"},
      {"providers, in order", "提供者（按优先顺序）"},
      {"compute threads", "计算线程数"},
      {"The forward pass at batch size {0}: shapes and dtypes on the edges, {1} parameters.",
       "批大小 {0} 的前向传播：边上是形状和数据类型，共 {1} 个参数。"},
      {"The time on a node is that of a warm call on the host.", "节点上的时间是主机上一次热调用的时间。"},
      {"data-flow graph", "数据流图"},
      {"There are no curves.", "没有曲线。"},
      {"Epochs: {0}; batch size {1}; seed {2}.", "轮数：{0}；批大小 {1}；随机种子 {2}。"},
      {"Each point is the mean loss of its batch. The lab's curve divides a sum of such means by the batch "
       "size as well, so it is too small by that factor.",
       "每个点是一个批的平均损失。实验的曲线把若干平均值之和又除以批大小，因此数值偏小，差的正是这个倍数。"},
      {"self µs", "自身 µs"},
      {"total µs", "总计 µs"},
      {"device µs", "设备 µs"},
      {"model µs", "模型 µs"},
      {"lowest round µs", "最快一轮 µs"},
      {"highest round µs", "最慢一轮 µs"},
      {"of the roof, %", "占上限 %"},
      {"A warm training step at batch size {0}: medians over the recorded steps ({1}) of fresh processes "
       "({2}). Self time excludes nested operators, total time includes them. Shares are of the wall time "
       "of a step. Ranks marked ~ are within the noise: the operator's range overlaps that of another one.",
       "批大小 {0} 的一个热训练步：{2} 个全新进程中 {1} "
       "步的中位数。自身时间不含嵌套的算子，总计时间包含它们。占比是占一步总时间的比例。标 ~ "
       "的名次在噪声之内：该算子的取值范围与另一个算子的重叠。"},
      {"Batch sizes", "批大小"},
      {"step µs", "每步 µs"},
      {"images/s", "图像/秒"},
      {"self times, % of wall", "自身时间占总时间 %"},
      {"outside operators, %", "算子之外 %"},
      {"timer, %", "计时器 %"},
      {"waiting for the device, %", "等待设备 %"},
      {"Over all recorded steps, self times, the timer, time outside operators and waiting for a device add "
       "up to the wall time.",
       "在所有记录的步中，自身时间、计时器、算子之外的时间与等待设备的时间之和就是总时间。"},
      {"peak MiB", "峰值 MiB"},
      {"The ten most expensive at batch size {0}:", "批大小 {0} 时最耗时的十个算子："},
      {"The first training step of a fresh process compared with a warm one: medians over the processes "
       "({0}). The difference is one-time initialization of a library, of its code for these shapes and of "
       "memory. Initialization of a library as a whole is charged only to the library, not to an operator.",
       "全新进程的第一个训练步与热训练步的对比，{0} "
       "个进程的中位数。多出来的时间是初始化：库本身、库为这些形状"
       "生成的代码，以及第一次访问的内存。库自身的启动只计在库上，不计入任何算子。"},
      {"{0}, in {1}", "{0}，在 {1} 中"},
      {"first step µs", "第一步 µs"},
      {"warm step µs", "热步 µs"},
      {"initialization µs", "初始化 µs"},
      {"of the first step, %", "占第一步 %"},
      {"of which library startup, µs", "其中库的启动 µs"},
      {"first µs", "首次 µs"},
      {"warm µs", "热 µs"},
      {"first / warm", "首次 / 热"},
      {"At batch size {0}:", "批大小 {0}："},
      {"Forward, backward, optimizer; host and device", "前向、反向、优化器；主机与设备"},
      {"host self µs", "主机自身 µs"},
      {"An emulated device has no device times.", "模拟设备没有自己的时间。"},
      {"On the CPU the host is the device, so host time is device time.",
       "在 CPU 上主机就是设备：只有一个时钟，即主机的时钟。"},
      {"There are no measured roofs.", "没有测得的性能上限。"},
      {"Measured on this machine: {0} GFLOP/s of float32 multiply-adds and {1} GB/s of memory bandwidth. "
       "Pale points and cells marked cached: the operands came from a cache, so the memory roof does not "
       "apply.",
       "在本机测得：float32 乘加 {0} GFLOP/s，内存 {1} "
       "GB/s。浅色的点和标“缓存”的格：操作数来自缓存，内存不是它们的上限。"},
      {"cached", "缓存"},
      {"pale: operands in a cache", "浅色：操作数在缓存中"},
      {"Each kernel call of the network by each provider of the device. Results are verified against float64 "
       "loops before the call is timed. Declined: the provider does not support the call.",
       "网络的核函数调用由设备的每个提供者各执行一遍：先与 float64 "
       "循环的结果比较，正确的才轮流计时。declined "
       "表示该提供者不支持这个调用。"},
      {"median µs", "中位数 µs"},
      {"speedup over the vendor", "相对厂商库"},
      {"error", "误差"},
      {"The most expensive operators in the lab's measurement", "按实验的方法测量：最耗时的算子"},
      {"One cold forward pass of one image in train mode in a fresh process, at any batch size. Times are "
       "host times, medians over the processes ({0}). Parents include their nested rows.",
       "不论批大小，在全新进程中以训练模式对一张图像做一次冷的前向传播；主机时间，嵌套的行在其上级中重复计算"
       "；{0} "
       "个进程的中位数。"},
      {", tau-b with the reference {0} ({1} to {2}, {3} operators)",
       "，与参考的 tau-b 为 {0}（{1} 到 {2}，{3} 个算子）"},
      {"rank in the reference", "参考中的名次"},
      {"total µs in the reference", "参考中的总计 µs"},
      {"Kendall's tau-b, with a 95 % bootstrap interval. Differences below the noise are ties. The noise is "
       "that of the timer, and for the reference the variation among its three tables, which repeat one "
       "measurement.",
       "Kendall 的 tau-b，附 95 % "
       "自助法区间；小于计时器噪声的差别视为并列，对参考则是小于其三张表（同一测量）之间"
       "差别的差别。"},
      {"with", "与"},
      {"ties", "并列"},
      {"Recording an operator costs {0} ns, a kernel {1} ns, a memory event {2} ns. These costs are "
       "subtracted from the times above. An empty record takes up to {3} ns: shorter times are marked ~.",
       "记录一个算子花费 {0} ns，一个核函数 {1} ns，一个内存块 {2} "
       "ns；以上时间均已扣除这些开销。空记录最多读出 {3} "
       "ns：更短的时间标 ~。"},
      {"Reproduction", "重现方法"},
      {"file", "文件"},
      {"content", "内容"},
      {"{0} (emulated)", "{0}（模拟）"},
      {"{0} (fake)", "{0}（替身）"},
      // Terms
      {"training", "训练"},
      {"measuring", "测量"},
      {"providers side by side", "各提供者对比"},
      {"reference CNN", "参考 CNN"},
      {"none", "无"},
      {"unknown", "未知"},
      // Pictures
      {"Reference CNN, batch size {0}", "参考 CNN，批大小 {0}"},
      {"{0} parameter", "{0} 个参数"},
      {"arrows carry activations", "箭头表示激活值"},
      {"arrows carry gradients", "箭头表示梯度"},
      {"; ", "；"},
      {" per call", "（每次调用）"},
      {"Loss of the training steps", "训练步的损失"},
      {"loss (mean of the batch)", "损失（批平均）"},
      {"each step", "每一步"},
      {"mean of the last {0} steps", "最近 {0} 步的平均"},
      {"test, mean loss", "测试，平均损失"},
      {"Test accuracy after each epoch", "每轮之后的测试准确率"},
      {"Share of a training step, by batch size", "各算子占训练步的份额（按批大小）"},
      {"share of the wall time, %", "占总时间的份额 %"},
      {"First step of a process and a warm one", "进程的第一步与热步"},
      {"time in a step, µs", "每步中的时间 µs"},
      {"first", "首次"},
      {"Kernels below the roofs of this machine", "核函数与本机的性能上限"},
      {"measured roofs", "测得的上限"},
      {"loss of the training steps", "训练步的损失"},
      {"test accuracy after each epoch", "每轮之后的测试准确率"},
      {"share of the most expensive operators by batch size", "最耗时算子的份额（按批大小）"},
      {"first step of a process and a warm one", "进程的第一步与热步"},
      {"kernels below the machine's measured roofs", "核函数与测得的性能上限"},
      // Notes
      {"The device {0} is emulated on the CPU: its device times are those of a model, its host times those "
       "of "
       "the emulator. They say nothing about a GPU.",
       "设备 {0} 在 CPU 上模拟：其设备时间来自模型，主机时间是模拟器的时间，均与 GPU 无关。"},
      {"The device {0} is emulated on the CPU: its times are those of the emulator and say nothing about a "
       "GPU. There "
       "is no device time.",
       "设备 {0} 由 CPU 模拟：时间是模拟器的时间，不能说明 GPU 的性能。没有设备时间。"},
      {"Providers {0} are fakes, not the vendor's libraries.", "提供者 {0} 背后是测试替身，而不是厂商的库。"},
      {"The loss is not finite from step {0} on: the training diverged. Charts leave these points out.",
       "从第 {0} 步起损失不是有限值：训练已发散。图中不画这些点。"},
      {"The run was interrupted during: {0}. The report has the results up to then.",
       "运行在“{0}”阶段被中断。报告只包含此前完成的部分。"},
      {"The network was not trained: its initial weights were profiled.", "网络未经训练：剖析的是初始权重。"},
      {"The finished run has no metrics.csv, so there are no curves.",
       "已完成的运行没有 metrics.csv：没有曲线。"},
      {"The roofs of {0} were not measured: there is no % of the roof and no roofline.",
       "未测量 {0} 的性能上限：没有占上限的百分比，也没有屋顶线图。"},
      {"The reference has no table for batch size {0}, so there is no comparison at this size.",
       "参考没有批大小 {0} 的表：该处不作比较。"},
      {"A recording reached its size limit: some steps are missing.", "有一次记录提前写满：缺少一些步。"},
      {"No installed font has Chinese characters: the pictures are in English.",
       "本机没有含中文字符的字体：图片使用英文。"},
      {"Rounds: {0}. At least three are required for known ranks.", "轮数：{0}。少于三轮时不认定任何名次。"},
  };
  return table;
}

}  // namespace metron::report
