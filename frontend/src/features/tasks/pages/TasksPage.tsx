import { useIsOperator } from "@/lib/useSession";
import { MerchantTasks } from "../components/MerchantTasks";
import { OperatorTasks } from "../components/OperatorTasks";

/** Operators see every run of the platform, everybody else what Storecast does for their store. */
export function TasksPage() {
  return useIsOperator() ? <OperatorTasks /> : <MerchantTasks />;
}
