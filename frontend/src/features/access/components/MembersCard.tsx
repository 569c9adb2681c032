import { Badge, BlockStack, InlineStack, Select, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ActModal } from "@/components/ActModal";
import { type Column, DataTable } from "@/components/DataTable";
import { QueryView } from "@/components/QueryView";
import { RowMenu } from "@/components/RowMenu";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { useSession } from "@/lib/useSession";
import { useToast } from "@/lib/useToast";
import { type Member, membersQuery, useChangeMember } from "../api";

const ROLES = ["owner", "admin", "marketer", "viewer"] as const;
type AssignableRole = (typeof ROLES)[number];

/** The store's people and their roles. What the API would refuse anyway is not offered. */
export function MembersCard() {
  const { t } = useI18n();
  const { user } = useSession();
  const query = useQuery(membersQuery);
  const [changing, setChanging] = useState<Member | null>(null);
  const [removing, setRemoving] = useState<Member | null>(null);
  const restore = useChangeMember();
  const toast = useToast();

  function actionsOf(member: Member) {
    const above = member.role === "owner" && user.role !== "owner";
    if (above || member.role === "operator") return [];
    if (!member.active) {
      const done = () => toast(t("access.restored", { name: nameOf(member) }));
      return [
        {
          content: t("access.restore"),
          onAction: () => restore.mutate({ id: member.id, active: true }, { onSuccess: done }),
        },
      ];
    }
    if (member.account_owner) return [];
    const change = { content: t("access.change_role"), onAction: () => setChanging(member) };
    const remove = { content: t("access.remove"), destructive: true, onAction: () => setRemoving(member) };
    return member.id === user.id ? [change] : [change, remove];
  }

  const columns: Column<Member>[] = [
    {
      key: "name",
      header: t("access.member"),
      cell: (member) => (
        <BlockStack>
          <InlineStack gap="200">
            <Text as="span" fontWeight="semibold">
              {nameOf(member)}
            </Text>
            {member.id === user.id && <Badge>{t("actor.you")}</Badge>}
            {!member.active && <Badge tone="attention">{t("access.removed_badge")}</Badge>}
          </InlineStack>
          <Text as="span" tone="subdued" variant="bodySm" breakWord>
            {member.email}
          </Text>
        </BlockStack>
      ),
    },
    {
      key: "role",
      header: t("access.role"),
      cell: (member) => t(`access.role.${member.role}`),
    },
    { key: "seen", header: t("access.last_seen"), cell: (member) => <TimeAgo at={member.last_seen_at} /> },
    {
      key: "actions",
      header: t("access.actions"),
      corner: true,
      cell: (member) => {
        const actions = actionsOf(member);
        return actions.length > 0 ? (
          <RowMenu label={t("access.actions_of", { name: nameOf(member) })} actions={actions} />
        ) : (
          "–"
        );
      },
    },
  ];

  return (
    <BlockStack gap="400">
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <CardSkeleton lines={4} />
          </LoadingRegion>
        }
      >
        {({ items }) => (
          <TableCard title={t("access.members")}>
            <DataTable
              caption={t("access.members")}
              columns={columns}
              rows={items}
              rowKey={(member) => member.id}
              isFaint={(member) => !member.active}
            />
          </TableCard>
        )}
      </QueryView>
      {changing && <RoleModal member={changing} onClose={() => setChanging(null)} />}
      {removing && <RemoveModal member={removing} onClose={() => setRemoving(null)} />}
    </BlockStack>
  );
}

function nameOf(member: Member): string {
  return member.name || member.email || member.id;
}

function RoleModal({ member, onClose }: { member: Member; onClose: () => void }) {
  const { t } = useI18n();
  const { user } = useSession();
  const toast = useToast();
  const change = useChangeMember();
  const [role, setRole] = useState<AssignableRole>(member.role === "operator" ? "viewer" : member.role);
  const given = ROLES.filter((each) => each !== "owner" || user.role === "owner");
  return (
    <ActModal
      title={t("access.change_role_of", { name: nameOf(member) })}
      consequence={t("access.change_role_body")}
      action={t("action.save")}
      error={change.error}
      isPending={change.isPending}
      onAct={() =>
        change.mutate(
          { id: member.id, role },
          {
            onSuccess: () => {
              toast(t("access.role_changed", { name: nameOf(member) }));
              onClose();
            },
          },
        )
      }
      onClose={onClose}
    >
      <Select
        label={t("access.role")}
        options={given.map((value) => ({ value, label: t(`access.role.${value}`) }))}
        value={role}
        helpText={t(`access.role_means.${role}`)}
        onChange={(value) => setRole(value as AssignableRole)}
      />
    </ActModal>
  );
}

function RemoveModal({ member, onClose }: { member: Member; onClose: () => void }) {
  const { t } = useI18n();
  const toast = useToast();
  const change = useChangeMember();
  return (
    <ActModal
      title={t("access.remove_title", { name: nameOf(member) })}
      consequence={t("access.remove_body")}
      action={t("access.remove")}
      destructive
      error={change.error}
      isPending={change.isPending}
      onAct={() =>
        change.mutate(
          { id: member.id, active: false },
          {
            onSuccess: () => {
              toast(t("access.removed", { name: nameOf(member) }));
              onClose();
            },
          },
        )
      }
      onClose={onClose}
    />
  );
}
