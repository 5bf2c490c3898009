"""Times a training step and an inference of a deep operator network in plain PyTorch, on synthetic data.

The network is DeepXDE's DeepONetCartesianProd: every function of the batch at every query point,
`b + Σ_k branch_k(function) · σ(trunk_k(point))`, the branch's last layer linear (Lu et al. 2021). Query points have as
many coordinates as `--dimensions`, the loss is relative L2, the optimizer Adam.
"""

import argparse

import common


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sensors", type=int, default=128, help="values of a function that the branch sees")
    parser.add_argument("--branch", type=common.grid, default=(128,) * 4, help="layers, the last its coefficients")
    parser.add_argument("--trunk", type=common.grid, default=(128,) * 3)
    parser.add_argument("--dimensions", type=int, default=1)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--compile", action="store_true", help="by torch.compile, which wants a C++ compiler")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=50)
    return parser.parse_args()


def main():
    options = arguments()
    common.prepare(options.threads)
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)

    class Network(torch.nn.Module):
        def __init__(self, inputs, sizes, activates_last):
            super().__init__()
            self.layers = torch.nn.ModuleList(torch.nn.Linear(m, n) for m, n in zip((inputs, *sizes), sizes))
            self.activates_last = activates_last
            for layer in self.layers:
                torch.nn.init.xavier_normal_(layer.weight)
                torch.nn.init.zeros_(layer.bias)

        def forward(self, values):
            for layer in self.layers[:-1]:
                values = torch.tanh(layer(values))
            values = self.layers[-1](values)
            return torch.tanh(values) if self.activates_last else values

    class DeepONet(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.branch = Network(options.sensors, options.branch, activates_last=False)
            self.trunk = Network(options.dimensions, options.trunk, activates_last=True)
            self.bias = torch.nn.Parameter(torch.zeros(1))

        def forward(self, functions, points):
            return torch.addmm(self.bias, self.branch(functions), self.trunk(points).T)

    model = DeepONet()
    network = torch.compile(model) if options.compile else model
    functions = torch.randn(options.batch_size, options.sensors)
    points = torch.rand(options.queries, options.dimensions)
    target = torch.randn(options.batch_size, options.queries)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def train_step():
        optimizer.zero_grad(set_to_none=True)
        difference = network(functions, points) - target
        (difference.norm(dim=1) / target.norm(dim=1)).mean().backward()
        optimizer.step()

    def inference():
        with torch.inference_mode():
            network(functions, points)

    train_step_seconds = common.median_seconds(train_step, options.repeats, warm_up=3)
    inference_seconds = common.median_seconds(inference, options.repeats, warm_up=3)
    common.report(
        ["torch"],
        train_step_ms=1e3 * train_step_seconds,
        inference_ms=1e3 * inference_seconds,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        threads=options.threads,
    )


if __name__ == "__main__":
    main()
